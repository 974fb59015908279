{{ config(materialized='view') }}

select distinct store_id
from {{ run_file('held', {'store_id': 'varchar', 'since': 'varchar'}) }} as run_rows
