{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=['source_id', 'order_id']) }}

with

landed_rows as (
    select * from {{ landed('amazon', 'order_items') }} as lake_rows
),

versions as (
    {{ with_kept('landed_rows', ['source_id', 'order_id']) }}
),

-- All items of the newest version of their order: an item that left the order is gone here too.
final as (
    select *
    from versions
    qualify dense_rank() over (
        partition by source_id, order_id order by order_updated_at desc, load_id desc
    ) = 1
)

select * from final
