{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ leave_touched('ad_daily') }}",
) }}

with

facts as (
    select * from {{ ref('int_ad_daily') }}
    where {{ is_touched('ad_daily') }}
),

final as (
    select
        facts.ad_daily_key,
        facts.store_id,
        facts.date,
        facts.source_id,
        facts.network,
        facts.account_id,
        facts.campaign_id,
        facts.campaign_name,
        facts.ad_group_id,
        facts.ad_id,
        facts.sku,
        coalesce(products.product_id, facts.sku) as product_id,
        products.category as category,
        'ads' as channel,
        facts.impressions,
        facts.clicks,
        facts.ad_orders,
        {{ converted('facts.ad_spend', 'facts.currency', 'stores.reporting_currency', 'rates.rate') }} as ad_spend,
        {{ money('facts.ad_spend') }} as ad_spend_native,
        {{ converted('facts.ad_sales', 'facts.currency', 'stores.reporting_currency', 'rates.rate') }} as ad_sales,
        {{ money('facts.ad_sales') }} as ad_sales_native,
        facts.currency,
        facts.date < stores.as_of_day - {{ ad_settling_days() }} as settled
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
