{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ leave_touched('inventory_daily') }}",
) }}

-- Dense: every listed SKU on every snapshot day, 0 where the snapshot does not name it.
with

snapshots as (
    select * from {{ ref('int_inventory_snapshot') }}
),

days as (
    select distinct
        store_id,
        date
    from snapshots
),

sales as (
    select
        store_id,
        date,
        sku,
        sum(units) as units
    from {{ ref('fct_order_line') }}
    where units > 0 and sku is not null
    group by store_id, date, sku
),

listed as (
    select
        store_id,
        date,
        sku
    from snapshots
    union
    select
        days.store_id,
        days.date,
        sales.sku
    from days
    inner join sales
        on days.store_id = sales.store_id and days.date >= sales.date and days.date < sales.date + 30
),

dense as (
    select
        listed.store_id,
        listed.date,
        listed.sku,
        coalesce(snapshots.on_hand_units, 0) as on_hand_units,
        coalesce(snapshots.sellable_units, 0) as sellable_units,
        coalesce(snapshots.inbound_units, 0) as inbound_units,
        coalesce(snapshots.reserved_units, 0) as reserved_units,
        coalesce(snapshots.sellable_units, 0) > 0 as in_stock,
        coalesce(sales.units, 0) as day_units
    from listed
    left join snapshots using (store_id, date, sku)
    left join sales using (store_id, date, sku)
),

in_stock_demand as (
    select
        store_id,
        date,
        sku,
        sum(day_units) over recent as recent_units,
        count(*) over recent as recent_days
    from dense
    where in_stock
    window recent as (
        partition by store_id, sku order by date rows between 29 preceding and current row
    )
),

carried as (
    select
        dense.*,
        max_by(demand.recent_units, demand.date) over upto as recent_units,
        max_by(demand.recent_days, demand.date) over upto as recent_days
    from dense
    left join in_stock_demand as demand using (store_id, date, sku)
    window upto as (
        partition by dense.store_id, dense.sku order by dense.date rows between unbounded preceding and current row
    )
),

final as (
    select
        carried.store_id,
        carried.date,
        carried.sku,
        coalesce(products.product_id, carried.sku) as product_id,
        products.category,
        carried.on_hand_units,
        carried.sellable_units,
        carried.inbound_units,
        carried.reserved_units,
        {{ exact_ratio('carried.recent_units', 'carried.recent_days', 6) }} as demand_30d,
        cast(carried.in_stock as bigint) as in_stock_sku_days,
        cast(1 as bigint) as listed_sku_days
    from carried
    left join {{ ref('int_product') }} as products on carried.sku = products.sku
    where {{ is_touched('inventory_daily') }}
)

select * from final
