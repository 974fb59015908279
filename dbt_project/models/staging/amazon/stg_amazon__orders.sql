{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=['source_id', 'order_id']) }}

with

landed_rows as (
    select * from {{ landed('amazon', 'orders') }} as lake_rows
),

versions as (
    {{ with_kept('landed_rows', ['source_id', 'order_id']) }}
),

-- Keyed: newest by the platform's own update time, then by load, so that a back-fill does not win.
final as (
    select *
    from versions
    qualify row_number() over (
        partition by source_id, order_id order by updated_at desc, load_id desc
    ) = 1
)

select * from final
