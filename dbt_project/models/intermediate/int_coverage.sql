{{ config(materialized='table') }}

-- Days that a source has spoken about, with rows or without: how "nothing sold" differs from "nobody asked".
with

store_source as (
    select
        int_store_source.*,
        int_store.timezone
    from {{ ref('int_store_source') }} as int_store_source
    inner join {{ ref('int_store') }} as int_store using (store_id)
),

report_days as (
    select
        source_id,
        resource,
        day as date
    from {{ ref('stg_landing__meta_coverage') }}
    -- What a file covers is what its newest content says.
    where system <> 'files'
),

file_days as (
    select
        source_id,
        'order_line' as resource,
        business_date as date
    from {{ ref('stg_files__order_line') }}
    union all
    select
        source_id,
        'refund' as resource,
        business_date as date
    from {{ ref('stg_files__refund') }}
    union all
    select
        source_id,
        'ledger_entry' as resource,
        business_date as date
    from {{ ref('stg_files__ledger_entry') }}
    union all
    select
        source_id,
        'ad_daily' as resource,
        business_date as date
    from {{ ref('stg_files__ad_daily') }}
    union all
    select
        source_id,
        'inventory_daily' as resource,
        business_date as date
    from {{ ref('stg_files__inventory_daily') }}
),

days as (
    select * from report_days
    union all
    select * from file_days
),

dated as (
    select
        store_source.store_id,
        store_source.fact,
        days.date,
        days.source_id
    from days
    inner join store_source using (source_id, resource)
    union all
    select
        store_source.store_id,
        store_source.fact,
        {{ local_date('snapshots.snapshot_at', 'store_source.timezone') }} as date,
        snapshots.source_id
    from {{ ref('stg_amazon__fba_inventory') }} as snapshots
    inner join store_source using (source_id)
    where store_source.fact = 'inventory_daily' and store_source.system = 'amazon'
),

final as (
    select distinct
        store_id,
        fact,
        date,
        source_id
    from dated
    where date is not null
)

select * from final
