{{ config(alias='alert') }}

select *
from {{ run_file('alerts', {
    'alert_key': 'varchar', 'rule_id': 'varchar', 'metric': 'varchar', 'scope_type': 'varchar', 'scope_id': 'varchar',
    'period_start': 'date', 'event': 'varchar', 'at': 'timestamp with time zone', 'channel': 'varchar',
    'slack_ts': 'varchar'
}) }} as events
