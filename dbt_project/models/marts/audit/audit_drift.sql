{{ config(alias='drift') }}

select
    source_id,
    resource,
    table_name,
    column_name,
    detected_type,
    load_id
from {{ ref('stg_landing__meta_drift') }}
