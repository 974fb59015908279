-- Alert rules against closed periods: 35 days back, five periods of the longer grains. Stale input inhibits.
with

rules as (

    select
        *,
        coalesce(
            {{ json_text('scope_filter', 'id') }},
            {{ json_text('scope_filter', 'store') }},
            {{ json_text('scope_filter', 'store_id') }}
        ) as wanted_id,
        {{ json_text('scope_filter', 'region') }} as wanted_region,
        {{ json_text('scope_filter', 'platform') }} as wanted_platform,
        {{ json_text('scope_filter', 'stage') }} as wanted_stage
    from {{ ref('stg_reference__alert_rules') }}
    where condition in ('below', 'above', 'drop', 'below_level')

),

clock as (

    select min(as_of_day) as as_of_day from {{ ref('dim_store') }}

),

closed as (

    select
        periods.*,
        case when periods.grain = 'day' then dates.weekday end as weekday,
        case when periods.scope_type = 'region' then periods.scope_id else stores.region end as region,
        case when periods.scope_type = 'platform' then periods.scope_id else stores.platform end as platform,
        stores.stage,
        case periods.grain
            when 'day' then periods.period_start + interval 1 day
            when 'week' then periods.period_start + interval 7 day
            when 'month' then periods.period_start + interval 1 month
            when 'quarter' then periods.period_start + interval 3 month
            else periods.period_start + interval 1 year
        end as period_end
    from {{ ref('kpi_values') }} as periods
    inner join {{ ref('dim_date') }} as dates on periods.period_start = dates.date
    left join {{ ref('dim_store') }} as stores
        on periods.scope_type = 'store' and periods.scope_id = stores.store_id

),

-- Like is compared with like: days with the same weekday.
scoped as (

    select
        rules.rule_id,
        rules.condition,
        rules.severity,
        rules.for_periods,
        rules.min_volume,
        rules.threshold,
        coalesce(rules.weeks, 4) as weeks,
        closed.metric,
        closed.grain,
        closed.scope_type,
        closed.scope_id,
        closed.period_start,
        closed.weekday,
        closed.value,
        closed.denominator,
        closed.status,
        row_number() over (
            partition by rules.rule_id, closed.scope_id, closed.weekday
            order by closed.period_start
        ) as turn
    from rules
    inner join closed
        on
            rules.metric = closed.metric
            and rules.grain = closed.grain
            and rules.scope_type = closed.scope_type
    cross join clock
    where
        closed.period_end <= clock.as_of_day
        and (rules.wanted_id is null or rules.wanted_id = closed.scope_id)
        and (rules.wanted_region is null or rules.wanted_region = closed.region)
        and (rules.wanted_platform is null or rules.wanted_platform = closed.platform)
        and (rules.wanted_stage is null or rules.wanted_stage = closed.stage)

),

usual as (

    select
        later.rule_id,
        later.scope_id,
        later.period_start,
        avg(earlier.value) as usual
    from scoped as later
    inner join scoped as earlier
        on
            later.rule_id = earlier.rule_id
            and later.scope_id = earlier.scope_id
            and later.weekday is not distinct from earlier.weekday
            and later.turn > earlier.turn
            and later.turn - earlier.turn <= later.weeks
    where later.condition = 'drop'
    group by later.rule_id, later.scope_id, later.period_start

),

judged as (

    select
        scoped.*,
        usual.usual,
        scoped.status = 'stale' or scoped.value is null as is_inhibited,
        coalesce(scoped.denominator < scoped.min_volume, false) as is_noise
    from scoped
    left join usual
        on
            scoped.rule_id = usual.rule_id
            and scoped.scope_id = usual.scope_id
            and scoped.period_start = usual.period_start

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
    ) as numbered

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
