{{ config(materialized='view') }}

-- The load that speaks last about each account-day of a windowed report.
select
    system,
    source_id,
    resource,
    account,
    day,
    max(load_id) as load_id
from {{ ref('stg_landing__meta_coverage') }}
group by system, source_id, resource, account, day
