-- Every system's order lines in one shape, amounts in their own currency and not yet rounded.
with

file_lines as (
    select
        lines.source_id || '|' || lines.file_hash || '|' || lines.row_number as order_line_key,
        sources.store_id,
        lines.business_date as date,
        lines.occurred_at as ordered_at,
        lines.source_id,
        lines.order_id,
        coalesce(lines.line_id, cast(lines.row_number as string)) as line_id,
        lines.sku,
        lines.category,
        lines.channel,
        lines.row_kind = 'sale' and coalesce(lower(lines.status), '') not in ('cancelled', 'canceled') as is_live,
        false as is_replacement,
        lines.row_kind = 'sale' and coalesce(lower(lines.status), '') in ('cancelled', 'canceled') as is_cancelled,
        lines.row_kind = 'adjustment' as is_adjustment,
        lines.quantity,
        lines.currency,
        cast(lines.quantity * lines.unit_price as decimal(28, 9)) as gmv,
        coalesce(lines.discount, 0) as discounts,
        lines.buyer_key
    from {{ in_force('order_line') }} as lines
    inner join {{ ref('int_store_source') }} as sources
        on lines.source_id = sources.source_id and sources.fact = 'order_line'
    where lines.row_kind in ('sale', 'adjustment')
),

amazon_lines as (
    select
        orders.source_id || '|' || orders.order_id || '|' || coalesce(items.order_item_id, '') as order_line_key,
        sources.store_id,
        {{ local_date('orders.created_at', 'stores.timezone') }} as date,
        orders.created_at as ordered_at,
        orders.source_id,
        orders.order_id,
        items.order_item_id as line_id,
        items.sku,
        cast(null as string) as category,
        case when upper(orders.fulfilled_by) = 'AMAZON' then 'fba' else 'fbm' end as channel,
        upper(orders.status) not in ('CANCELLED', 'CANCELED') and not coalesce(items.is_cancelled, false) as is_live,
        coalesce(orders.is_replacement, false) as is_replacement,
        upper(orders.status) in ('CANCELLED', 'CANCELED') or coalesce(items.is_cancelled, false) as is_cancelled,
        false as is_adjustment,
        coalesce(items.quantity_ordered, 0) as quantity,
        coalesce(items.currency, orders.currency, stores.currency) as currency,
        cast(
            coalesce(items.item_price, items.unit_price * items.quantity_ordered) as decimal(28, 9)
        ) as gmv,
        coalesce(items.discount, 0) as discounts,
        cast(null as string) as buyer_key
    from {{ ref('stg_amazon__orders') }} as orders
    inner join {{ ref('int_store_source') }} as sources
        on orders.source_id = sources.source_id and sources.fact = 'order_line'
    inner join {{ ref('int_store') }} as stores on sources.store_id = stores.store_id
    left join {{ ref('stg_amazon__order_items') }} as items
        on orders.source_id = items.source_id and orders.order_id = items.order_id
    -- An order cancelled whole may have lost its items and still counts as cancelled.
    where items.order_item_id is not null or upper(orders.status) in ('CANCELLED', 'CANCELED')
),

final as (
    select * from file_lines
    union all
    select * from amazon_lines
)

select * from final
