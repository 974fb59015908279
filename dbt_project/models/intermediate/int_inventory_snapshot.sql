-- The last stock snapshot of each store, local day and SKU.
with

amazon_stock as (
    select
        sources.store_id,
        {{ local_date('stock.snapshot_at', 'stores.timezone') }} as date,
        stock.snapshot_at as seen_at,
        stock.report_id as snapshot_id,
        stock.sku,
        stock.warehouse_units as on_hand_units,
        stock.fulfillable_units as sellable_units,
        stock.inbound_working_units + stock.inbound_shipped_units + stock.inbound_receiving_units as inbound_units,
        stock.reserved_units
    from {{ ref('stg_amazon__fba_inventory') }} as stock
    inner join {{ ref('int_store_source') }} as sources
        on stock.source_id = sources.source_id and sources.fact = 'inventory_daily'
    inner join {{ ref('int_store') }} as stores on sources.store_id = stores.store_id
),

last_of_day as (
    select *
    from amazon_stock
    qualify dense_rank() over (partition by store_id, date order by seen_at desc, snapshot_id desc) = 1
),

file_stock as (
    select
        sources.store_id,
        stock.business_date as date,
        stock.sku,
        stock.on_hand_units,
        stock.sellable_units,
        stock.inbound_units,
        stock.reserved_units
    from {{ in_force('inventory_daily') }} as stock
    inner join {{ ref('int_store_source') }} as sources
        on stock.source_id = sources.source_id and sources.fact = 'inventory_daily'
),

all_stock as (
    select
        store_id,
        date,
        sku,
        on_hand_units,
        sellable_units,
        inbound_units,
        reserved_units
    from last_of_day
    union all
    select * from file_stock
),

final as (
    select
        store_id,
        date,
        sku,
        cast(sum(coalesce(on_hand_units, 0)) as bigint) as on_hand_units,
        cast(sum(coalesce(sellable_units, 0)) as bigint) as sellable_units,
        cast(sum(coalesce(inbound_units, 0)) as bigint) as inbound_units,
        cast(sum(coalesce(reserved_units, 0)) as bigint) as reserved_units
    from all_stock
    group by store_id, date, sku
)

select * from final
