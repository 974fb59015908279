{{ config(alias='quarantine') }}

select
    source_id,
    resource,
    file,
    line,
    reason,
    load_id
from {{ ref('stg_landing__meta_quarantine') }}
