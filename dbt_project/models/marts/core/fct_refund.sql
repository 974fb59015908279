{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ leave_touched('refund') }}",
) }}

with

facts as (
    select * from {{ ref('int_refund') }}
    where {{ is_touched('refund') }}
),

final as (
    select
        facts.refund_key,
        facts.store_id,
        facts.date,
        facts.source_id,
        facts.order_id,
        facts.store_id || '|' || facts.order_id as order_key,
        facts.sku,
        coalesce(products.product_id, facts.sku) as product_id,
        coalesce(products.category, facts.category) as category,
        coalesce(facts.channel, stores.platform) as channel,
        facts.quantity,
        {{ converted('facts.refunds', 'facts.currency', 'stores.reporting_currency', 'rates.rate') }} as refunds,
        {{ money('facts.refunds') }} as refunds_native,
        facts.currency,
        facts.settled as settled
    from facts
    inner join {{ ref('int_store') }} as stores on facts.store_id = stores.store_id
    left join {{ ref('int_product') }} as products on facts.sku = products.sku
    left join {{ ref('int_fx_rate_daily') }} as rates
        on
            facts.date = rates.date
            and facts.currency = rates.base
            and stores.reporting_currency = rates.quote
)

select * from final
