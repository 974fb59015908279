{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ leave_touched('order_line') }}",
) }}

with

lines as {{ inlined() }} (
    select * from {{ ref('int_order_line') }}
    where {{ is_touched('order_line') }}
),

ledger_orders as (
    select
        store_id,
        order_id,
        bool_and(settled) as settled
    from {{ ref('fct_ledger_entry') }}
    where order_id is not null
    group by store_id, order_id
),

cancelled_orders as (
    select
        store_id,
        date,
        order_id
    from lines
    where not is_adjustment
    group by store_id, date, order_id
    having bool_and(is_cancelled)
),

valued as (
    select
        lines.*,
        lines.is_live and not lines.is_replacement as is_sale,
        stores.reporting_currency,
        stores.platform,
        products.product_id,
        coalesce(products.category, lines.category) as product_category,
        sale_rates.rate as sale_rate,
        costs.cost,
        costs.first_leg as first_leg_cost,
        costs.currency as cost_currency,
        cost_rates.rate as cost_rate,
        cancelled_orders.order_id is not null as is_cancelled_order,
        ledger_orders.order_id is not null as in_ledger,
        -- What was cancelled never reaches the ledger: nothing of it is left to settle.
        lines.is_cancelled or coalesce(ledger_orders.settled, false) as settled
    from lines
    inner join {{ ref('int_store') }} as stores on lines.store_id = stores.store_id
    left join {{ ref('int_product') }} as products on lines.sku = products.sku
    left join {{ ref('int_fx_rate_daily') }} as sale_rates
        on
            lines.date = sale_rates.date
            and lines.currency = sale_rates.base
            and stores.reporting_currency = sale_rates.quote
    left join {{ ref('int_product_cost') }} as costs
        on lines.sku = costs.sku and lines.date >= costs.valid_from and lines.date < costs.valid_until
    left join {{ ref('int_fx_rate_daily') }} as cost_rates
        on
            lines.date = cost_rates.date
            and costs.currency = cost_rates.base
            and stores.reporting_currency = cost_rates.quote
    left join cancelled_orders
        on
            lines.store_id = cancelled_orders.store_id
            and lines.date = cancelled_orders.date
            and lines.order_id = cancelled_orders.order_id
    left join ledger_orders on lines.store_id = ledger_orders.store_id and lines.order_id = ledger_orders.order_id
),

amounts as (
    select
        *,
        case when is_sale then gmv else 0 end as sale_gmv,
        case when is_sale then discounts else 0 end as sale_discounts,
        case when is_live then cast(quantity * cost as decimal(28, 9)) else 0 end as line_cogs,
        case when is_live then cast(quantity * first_leg_cost as decimal(28, 9)) else 0 end as line_first_leg
    from valued
),

final as (
    select
        order_line_key,
        store_id,
        date,
        ordered_at,
        source_id,
        order_id,
        store_id || '|' || order_id as order_key,
        line_id,
        sku,
        coalesce(product_id, sku) as product_id,
        product_category as category,
        coalesce(channel, platform) as channel,
        is_live,
        is_replacement,
        is_cancelled_order,
        is_adjustment,
        in_ledger,
        quantity,
        case when is_sale then quantity else 0 end as units,
        currency,
        {{ converted('sale_gmv', 'currency', 'reporting_currency', 'sale_rate') }} as gmv,
        {{ money('sale_gmv') }} as gmv_native,
        {{ converted('sale_discounts', 'currency', 'reporting_currency', 'sale_rate') }} as discounts,
        {{ money('sale_discounts') }} as discounts_native,
        {{ converted('line_cogs', 'cost_currency', 'reporting_currency', 'cost_rate') }} as cogs,
        {{ money('line_cogs') }} as cogs_native,
        {{ converted('line_first_leg', 'cost_currency', 'reporting_currency', 'cost_rate') }} as first_leg,
        {{ money('line_first_leg') }} as first_leg_native,
        cost_currency,
        buyer_key,
        settled
    from amounts
)

select * from final
