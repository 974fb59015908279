{{ config(alias='coverage_gap') }}

-- Closed days since the store's first covered day on which a configured fact has no source's word, but for those that
-- the source is known to tell late.
with

spans as (
    select
        coverage.store_id,
        coverage.fact,
        min(coverage.date) as first_day,
        max(stores.as_of_day - 1 - sources.lag_days) as last_day
    from {{ ref('int_coverage') }} as coverage
    inner join {{ ref('int_store') }} as stores on coverage.store_id = stores.store_id
    inner join {{ ref('int_store_source') }} as sources
        on coverage.source_id = sources.source_id and coverage.fact = sources.fact
    group by coverage.store_id, coverage.fact
),

days as (
    select
        spans.store_id,
        spans.fact,
        days.date
    from spans
    cross join lateral {{ each_day('spans.first_day', 'spans.last_day') }} as days
),

final as (
    select
        store_id,
        fact,
        date
    from days
    where not exists (
        select 1 from {{ ref('int_coverage') }} as coverage
        where coverage.store_id = days.store_id and coverage.fact = days.fact and coverage.date = days.date
    )
)

select * from final
