{{ config(materialized='view') }}

select distinct store_id
from {{ run_file('held', {'store_id': 'varchar', 'since': 'varchar', 'check': 'varchar'}) }} as run_rows
