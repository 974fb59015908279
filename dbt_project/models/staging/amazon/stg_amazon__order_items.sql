{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=['source_id', 'order_id']) }}

with

landed_rows as {{ inlined() }} (
    select * from {{ landed('amazon', 'order_items') }} as lake_rows
),

versions as {{ inlined() }} (
    {{ with_kept('landed_rows', ['source_id', 'order_id']) }}
),

-- All items of the newest version of their order: an item that left the order is gone here too.
newest as (
    select
        source_id,
        order_id,
        order_updated_at,
        load_id
    from (
        select distinct source_id, order_id, order_updated_at, load_id from versions
    ) as every_version
    qualify row_number() over (
        partition by source_id, order_id order by order_updated_at desc, load_id desc
    ) = 1
),

final as (
    select versions.*
    from versions
    inner join newest
        on
            versions.source_id = newest.source_id
            and versions.order_id = newest.order_id
            and versions.order_updated_at = newest.order_updated_at
            and versions.load_id = newest.load_id
)

select * from final
