"""When it runs and who hears: Dagster, publication, alerts and the `kpi` command."""
