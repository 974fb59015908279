{{ config(materialized='table') }}

-- One rate a day into the reporting currency: as quoted, else inverted, else by a common third currency; a rate carries
-- at most 7 days.
with

quoted as (
    select rate_date, base, quote, rate, source, 0 as preference
    from {{ ref('stg_reference__fx_rates') }}
    union all
    select rate_date, base, quote, rate, source, 1 as preference
    from {{ ref('stg_fx__rates') }}
),

newest as (
    select *
    from quoted
    where rate > 0
    qualify row_number() over (partition by rate_date, base, quote order by preference) = 1
),

scaled as (
    select
        *,
        cast(rate * 10000000000 as decimal(38, 0)) as rate_e10
    from newest
),

pairs as (
    select rate_date, base, quote, rate, source, preference as rank
    from scaled
    union all
    select
        rate_date,
        quote as base,
        base as quote,
        {{ exact_ratio('10000000000', 'rate_e10', 10) }} as rate,
        source,
        preference + 2 as rank
    from scaled
    union all
    select
        near.rate_date,
        near.quote as base,
        far.quote,
        {{ exact_ratio('far.rate_e10', 'near.rate_e10', 10) }} as rate,
        near.source,
        greatest(near.preference, far.preference) + 4 as rank
    from scaled as near
    inner join scaled as far
        on near.rate_date = far.rate_date and near.base = far.base and near.quote <> far.quote
),

best as (
    select
        *,
        lead(rate_date) over (partition by base, quote order by rate_date) as next_date
    from (
        select *
        from pairs
        where quote in (select stores.reporting_currency from {{ ref('int_store') }} as stores)
        qualify row_number() over (partition by rate_date, base, quote order by rank, source, rate) = 1
    ) as ranked
),

carried as (
    select
        *,
        least(coalesce(next_date - 1, rate_date + 7), rate_date + 7) as last_date
    from best
),

final as (
    select
        days.date,
        carried.base,
        carried.quote,
        carried.rate,
        carried.rate_date,
        carried.source
    from carried
    cross join lateral {{ each_day('carried.rate_date', 'carried.last_date') }} as days
)

select * from final
