{{ config(schema='state') }}

-- Stores that a quality gate holds in this run: decided between the build of the facts and that of the KPI tables.
select distinct held_rows.store_id
from {{ run_file('held', {'store_id': 'varchar', 'since': 'varchar'}) }} as held_rows
