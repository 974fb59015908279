{{ config(alias='load') }}

select *
from {{ run_file('loads', {
    'run_id': 'varchar', 'source_id': 'varchar', 'system': 'varchar', 'resource': 'varchar',
    'window_from': 'date', 'window_to': 'date', 'rows_landed': 'bigint', 'rows_quarantined': 'bigint',
    'started_at': 'timestamp with time zone', 'finished_at': 'timestamp with time zone',
    'status': 'varchar', 'error': 'varchar'
}) }} as run_rows
