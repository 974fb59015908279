-- Every network's ad days in one shape, with the network's own stated attribution window.
with

amazon_days as (
    select
        ads.source_id || '|' || ads.report_date || '|' || ads.account_id || '|' || ads.campaign_id || '|'
        || ads.ad_group_id || '|' || ads.ad_id || '|' || coalesce(ads.sku, ads.asin, '') as ad_daily_key,
        sources.store_id,
        ads.report_date as date,
        ads.source_id,
        'amazon_sp' as network,
        ads.account_id,
        ads.campaign_id,
        ads.campaign_name,
        ads.ad_group_id,
        ads.ad_id,
        ads.sku,
        ads.impressions,
        ads.clicks,
        cast(ads.cost as decimal(28, 9)) as ad_spend,
        cast(ads.sales_7d as decimal(28, 9)) as ad_sales,
        ads.purchases_7d as ad_orders,
        coalesce(ads.currency, stores.currency) as currency
    from {{ ref('stg_amazon_ads__sp_advertised_product') }} as ads
    inner join {{ ref('int_store_source') }} as sources
        on ads.source_id = sources.source_id and sources.fact = 'ad_daily'
    inner join {{ ref('int_store') }} as stores on sources.store_id = stores.store_id
),

file_days as (
    select
        ads.source_id || '|' || ads.file_hash || '|' || ads.row_number as ad_daily_key,
        sources.store_id,
        ads.business_date as date,
        ads.source_id,
        ads.network,
        ads.account_id,
        ads.campaign_id,
        ads.campaign_name,
        ads.ad_group_id,
        ads.ad_id,
        ads.sku,
        ads.impressions,
        ads.clicks,
        cast(ads.spend as decimal(28, 9)) as ad_spend,
        cast(ads.sales as decimal(28, 9)) as ad_sales,
        ads.orders as ad_orders,
        ads.currency
    from {{ in_force('ad_daily') }} as ads
    inner join {{ ref('int_store_source') }} as sources
        on ads.source_id = sources.source_id and sources.fact = 'ad_daily'
),

final as (
    select * from amazon_days
    union all
    select * from file_days
)

select * from final
