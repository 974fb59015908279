{{ config(alias='coverage_gap') }}

-- Closed days since the store's first covered day on which a configured fact has no source's word.
with

spans as (
    select
        coverage.store_id,
        coverage.fact,
        min(coverage.date) as first_day,
        max(stores.as_of_day) - 1 as last_day
    from {{ ref('int_coverage') }} as coverage
    inner join {{ ref('int_store') }} as stores on coverage.store_id = stores.store_id
    group by coverage.store_id, coverage.fact
),

days as (
    select
        store_id,
        fact,
        cast(unnest({{ days_between('first_day', 'last_day') }}) as date) as date
    from spans
    where last_day >= first_day
),

final as (
    select days.*
    from days
    left join {{ ref('int_coverage') }} as coverage using (store_id, fact, date)
    where coverage.store_id is null
)

select * from final
