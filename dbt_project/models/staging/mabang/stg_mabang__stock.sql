{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['source_id', 'sku', 'warehouse_id'],
) }}

with

landed_rows as (
    select * from {{ landed('mabang', 'stock') }} as lake_rows
),

versions as (
    {{ with_kept('landed_rows', ['source_id', 'sku', 'warehouse_id']) }}
),

final as (
    select *
    from versions
    qualify row_number() over (
        partition by source_id, sku, warehouse_id order by snapshot_at desc, load_id desc
    ) = 1
)

select * from final
