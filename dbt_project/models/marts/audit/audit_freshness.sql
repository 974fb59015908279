{{ config(alias='freshness') }}

-- The as-of day less the newest complete business day; when a load happened says nothing about what it held.
with

sources as (
    select * from {{ ref('stg_reference__company_source') }}
),

stores as (
    select * from {{ ref('int_store') }}
),

store_days as (
    select
        coverage.source_id,
        max(coverage.date) as newest_day
    from {{ ref('int_coverage') }} as coverage
    inner join stores on coverage.store_id = stores.store_id
    where coverage.date < stores.as_of_day
    group by coverage.source_id
),

own_days as (
    select
        source_id,
        max(rate_date) as newest_day
    from {{ ref('stg_fx__rates') }}
    where rate_date < (select max(as_of_day) from stores)
    group by source_id
    union all
    select
        source_id,
        least(max({{ local_date('loaded_at', "'UTC'") }}), (select max(as_of_day) from stores) - 1) as newest_day
    from {{ ref('stg_mabang__products') }}
    group by source_id
),

landed as (
    select
        source_id,
        max(loaded_at) as landed_at
    from {{ ref('stg_landing__visible_load') }}
    group by source_id
),

measured as (
    select
        sources.source_id,
        sources.store_id,
        coalesce(store_days.newest_day, own_days.newest_day) as newest_day,
        landed.landed_at,
        coalesce(sources.sla_hours, 48) as sla_hours,
        coalesce(stores.as_of_day, (select max(as_of_day) from {{ ref('int_store') }})) as as_of_day
    from sources
    left join stores on sources.store_id = stores.store_id
    left join store_days on sources.source_id = store_days.source_id
    left join own_days on sources.source_id = own_days.source_id
    left join landed on sources.source_id = landed.source_id
),

final as (
    select
        source_id,
        store_id,
        newest_day,
        landed_at,
        sla_hours,
        case
            when landed_at is null then 'never'
            when newest_day is null then 'no_data'
            when 24 * {{ dbt.datediff('newest_day', 'as_of_day', 'day') }} > sla_hours then 'late'  -- noqa: LT05
            else 'ok'
        end as verdict
    from measured
)

select * from final
