-- Alert rules against closed periods: 35 days back, five periods of the longer grains. Stale input inhibits.
with

rules as (

    select
        *,
        try_cast(scope_filter as json) as filter
    from {{ ref('stg_reference__alert_rules') }}
    where condition in ('below', 'above', 'drop', 'below_level')

),

clock as (

    select min(as_of_day) as as_of_day from {{ ref('dim_store') }}

),

closed as (

    select
        periods.*,
        dates.weekday,
        case periods.grain
            when 'day' then periods.period_start + interval 1 day
            when 'week' then periods.period_start + interval 7 day
            when 'month' then periods.period_start + interval 1 month
            when 'quarter' then periods.period_start + interval 3 month
            else periods.period_start + interval 1 year
        end as period_end
    from {{ ref('kpi_values') }} as periods
    inner join {{ ref('dim_date') }} as dates on periods.period_start = dates.date

),

scoped as (

    select
        rules.rule_id,
        rules.condition,
        rules.severity,
        rules.for_periods,
        rules.min_volume,
        rules.threshold,
        closed.metric,
        closed.grain,
        closed.scope_type,
        closed.scope_id,
        closed.period_start,
        closed.value,
        closed.denominator,
        closed.status,
        list(closed.value) over (
            partition by
                rules.rule_id, closed.scope_id, case when closed.grain = 'day' then closed.weekday end
            order by closed.period_start
            rows between 52 preceding and 1 preceding
        ) as earlier_values,
        rules.weeks
    from rules
    inner join closed
        on
            rules.metric = closed.metric
            and rules.grain = closed.grain
            and rules.scope_type = closed.scope_type
    cross join clock
    left join {{ ref('dim_store') }} as stores
        on closed.scope_type = 'store' and closed.scope_id = stores.store_id
    where
        closed.period_end <= clock.as_of_day
        and coalesce(rules.filter ->> 'id', rules.filter ->> 'store', rules.filter ->> 'store_id', closed.scope_id)
        = closed.scope_id
        and coalesce(rules.filter ->> 'region', stores.region, case when closed.scope_type = 'region' then closed.scope_id else '' end)
        = case when closed.scope_type = 'region' then closed.scope_id else coalesce(stores.region, '') end
        and coalesce(rules.filter ->> 'platform', stores.platform, case when closed.scope_type = 'platform' then closed.scope_id else '' end)
        = case when closed.scope_type = 'platform' then closed.scope_id else coalesce(stores.platform, '') end
        and coalesce(rules.filter ->> 'stage', stores.stage, '') = coalesce(stores.stage, '')

),

judged as (

    select
        *,
        list_aggregate(list_slice(earlier_values, -coalesce(weeks, 4), -1), 'avg') as usual,
        status = 'stale' or value is null as is_inhibited,
        coalesce(denominator < min_volume, false) as is_noise
    from scoped

),

hits as (

    select
        *,
        coalesce(not is_inhibited and not is_noise and case condition
            when 'above' then value > threshold
            when 'drop' then usual > 0 and value <= usual * (1 - threshold)
            else value < threshold
        end, false) as is_hit
    from judged

),

runs as (

    select
        *,
        row_number() over (partition by rule_id, scope_id order by period_start)
        - max(case when is_hit then 0 else position end) over (
            partition by rule_id, scope_id order by period_start
        ) as hits_in_a_row,
        row_number() over (partition by rule_id, scope_id order by period_start desc) as age
    from (
        select
            *,
            row_number() over (partition by rule_id, scope_id order by period_start) as position
        from hits
    )

),

final as (

    select
        rule_id,
        metric,
        grain,
        scope_type,
        scope_id,
        period_start,
        value,
        cast(threshold as double) as threshold,
        severity,
        case
            when is_inhibited then 'inhibited'
            when hits_in_a_row >= coalesce(for_periods, 1) then 'breach'
            else 'clear'
        end as state
    from runs
    where age <= case when grain = 'day' then 35 else 5 end

)

select * from final
