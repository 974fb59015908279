{{ config(materialized='table') }}

-- Which source feeds which fact of which store.
with

feeds (system, entity, fact, resource) as (
    values
    ('amazon', '', 'order_line', 'orders'),
    ('amazon', '', 'ledger_entry', 'transactions'),
    ('amazon', '', 'refund', 'transactions'),
    ('amazon', '', 'inventory_daily', 'fba_inventory'),
    ('amazon_ads', '', 'ad_daily', 'sp_advertised_product'),
    ('files', 'order_line', 'order_line', 'order_line'),
    ('files', 'order_line', 'refund', 'order_line'),
    ('files', 'refund', 'refund', 'refund'),
    ('files', 'ledger_entry', 'ledger_entry', 'ledger_entry'),
    ('files', 'ad_daily', 'ad_daily', 'ad_daily'),
    ('files', 'inventory_daily', 'inventory_daily', 'inventory_daily')
),

sources as (
    select * from {{ ref('stg_reference__company_source') }}
    where store_id is not null
),

final as (
    select
        sources.source_id,
        sources.system,
        sources.store_id,
        sources.sla_hours,
        feeds.fact,
        feeds.resource
    from sources
    inner join feeds
        on sources.system = feeds.system and (feeds.entity = '' or sources.entity = feeds.entity)
)

select * from final
