"""The `kpi` command: one module per family of subcommands."""
