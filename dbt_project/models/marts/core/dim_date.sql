-- From the first store's opening, or the first fact, to a year beyond the as-of day; also MetricFlow's time spine.
with

bounds as (
    select
        least(
            coalesce(min(opened_on), cast('2020-01-01' as date)),
            coalesce((select min(date) from {{ ref('int_coverage') }}), cast('2020-01-01' as date)),
            cast('2020-01-01' as date)
        ) as first_day,
        greatest(coalesce(max(as_of_day), current_date), current_date) + 400 as last_day
    from {{ ref('int_store') }}
),

week as (
    select coalesce(max(case lower(value)
        when 'monday' then 0 when 'tuesday' then 1 when 'wednesday' then 2 when 'thursday' then 3
        when 'friday' then 4 when 'saturday' then 5 when 'sunday' then 6
    end), 0) as first_weekday
    from {{ ref('stg_reference__company_setting') }}
    where key = 'week_start'
),

days as (
    select days.date
    from bounds
    cross join lateral {{ each_day('bounds.first_day', 'bounds.last_day') }} as days
),

final as (
    select
        days.date,
        days.date - cast(({{ weekday('days.date') }} - 1 - week.first_weekday + 7) % 7 as integer) as week_start,
        cast(date_trunc('month', days.date) as date) as month_start,
        cast(date_trunc('quarter', days.date) as date) as quarter_start,
        cast(date_trunc('year', days.date) as date) as year_start,
        {{ weekday('days.date') }} as weekday
    from days
    cross join week
)

select * from final
