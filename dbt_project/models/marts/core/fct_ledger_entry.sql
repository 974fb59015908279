{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ leave_touched('ledger_entry') }}",
) }}

with

facts as (
    select * from {{ ref('int_ledger_entry') }}
    where {{ is_touched('ledger_entry') }}
),

final as (
    select
        facts.entry_key,
        facts.store_id,
        facts.date,
        facts.posted_at,
        facts.source_id,
        facts.order_id,
        facts.store_id || '|' || facts.order_id as order_key,
        facts.sku,
        coalesce(products.product_id, facts.sku) as product_id,
        products.category as category,
        facts.transaction_type,
        facts.transaction_status,
        facts.description,
        facts.breakdown_path,
        facts.component,
        facts.is_unknown,
        {{ converted('facts.amount', 'facts.currency', 'stores.reporting_currency', 'rates.rate') }} as amount,
        {{ money('facts.amount') }} as amount_native,
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
