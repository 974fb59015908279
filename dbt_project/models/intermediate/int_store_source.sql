{{ config(materialized='table') }}

-- Which source feeds which fact of which store, and by how many days the system tells it late: Amazon's finances omit
-- the last 48 hours.
with

feeds (system, entity, fact, resource, lag_days) as (
    values
    ('amazon', '', 'order_line', 'orders', 0),
    ('amazon', '', 'ledger_entry', 'transactions', 2),
    ('amazon', '', 'refund', 'transactions', 2),
    ('amazon', '', 'inventory_daily', 'fba_inventory', 0),
    ('amazon_ads', '', 'ad_daily', 'sp_advertised_product', 0),
    ('files', 'order_line', 'order_line', 'order_line', 0),
    ('files', 'order_line', 'refund', 'order_line', 0),
    ('files', 'refund', 'refund', 'refund', 0),
    ('files', 'ledger_entry', 'ledger_entry', 'ledger_entry', 0),
    ('files', 'ad_daily', 'ad_daily', 'ad_daily', 0),
    ('files', 'inventory_daily', 'inventory_daily', 'inventory_daily', 0)
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
        feeds.resource,
        feeds.lag_days
    from sources
    inner join feeds
        on sources.system = feeds.system and (feeds.entity = '' or sources.entity = feeds.entity)
)

select * from final
