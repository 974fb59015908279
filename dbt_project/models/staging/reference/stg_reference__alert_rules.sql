{{ newest_table('alert_rules') }}
