{{ config(
    schema='state',
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ leave_touched_by(['grain', 'period_start'], 'kpi_touched_period') }}",
) }}

-- Components summed per grain, period and scope; stock counts on each store's last covered day of the period only.
with

-- Scopes by the dimension that they sum; a cut also keeps the region, or the region and the store.
scopes (scope_type, dim, cut, keeps_region, keeps_store) as (
    values
    ('company', 'none', cast(null as string), false, false),
    ('region', 'none', null, false, false),
    ('platform', 'none', null, false, false),
    ('store', 'none', null, false, false),
    ('org_unit', 'none', null, false, false),
    ('category', 'category', null, false, false),
    ('channel', 'channel', null, false, false),
    ('product', 'product', null, false, false),
    ('campaign', 'campaign', null, false, false),
    ('category', 'category', 'region_category', true, false),
    ('category', 'category', 'store_category', true, true),
    ('channel', 'channel', 'store_channel', true, true)
),

calendar as (

    select *
    from (
        {% for grain in kpi_grains() %}
        select
            date,
            '{{ grain }}' as grain,
            {{ 'date' if grain == 'day' else grain ~ '_start' }} as period_start
        from {{ ref('dim_date') }}
        {{ 'union all' if not loop.last }}
        {% endfor %}
    ) as periods
    where {{ is_touched_by(['grain', 'period_start'], 'kpi_touched_period') }}

),

stock_day as (

    select
        days.store_id,
        calendar.grain,
        calendar.period_start,
        max(days.date) as stock_day
    from {{ ref('kpi_component_daily') }} as days
    inner join calendar on days.date = calendar.date
    where days.dim = 'none' and days.fct_inventory_daily__missing = 0
    group by days.store_id, calendar.grain, calendar.period_start

),

-- Per store first: every wider scope adds up far fewer rows. A product or a campaign has weeks and months only.
of_store as (

    select
        calendar.grain,
        calendar.period_start,
        days.store_id,
        days.dim,
        days.dim_id,
        max(days.date) as as_of_day,
        {% for fact in kpi_facts() %}
        sum(days.{{ fact }}__missing) as {{ fact }}__missing,
        max(days.{{ fact }}__state) as {{ fact }}__state,
        {% endfor %}
        {% for c in kpi_components() %}
        sum(days.{{ c.name }}) {%- if c.agg == 'last' %} filter (where days.date = stock.stock_day) {%- endif %} as {{ c.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('kpi_component_daily') }} as days
    inner join calendar on days.date = calendar.date
    left join stock_day as stock
        on
            days.store_id = stock.store_id
            and calendar.grain = stock.grain
            and calendar.period_start = stock.period_start
    where days.dim not in ('product', 'campaign') or calendar.grain in ('week', 'month')
    group by calendar.grain, calendar.period_start, days.store_id, days.dim, days.dim_id

),

scoped as (

    select
        of_store.*,
        scopes.scope_type,
        scopes.cut,
        case when scopes.keeps_region then stores.region end as cut_region,
        case when scopes.keeps_store then of_store.store_id end as cut_store,
        case scopes.scope_type
            when 'company' then 'company'
            when 'region' then stores.region
            when 'platform' then stores.platform
            when 'store' then of_store.store_id
            when 'org_unit' then stores.org_unit
            else of_store.dim_id
        end as scope_id
    from of_store
    inner join scopes on of_store.dim = scopes.dim
    inner join {{ ref('dim_store') }} as stores on of_store.store_id = stores.store_id

),

final as (

    select
        grain,
        period_start,
        scope_type,
        scope_id,
        cut,
        cut_region as region,
        cut_store as store_id,
        max(as_of_day) as as_of_day,
        {% for fact in kpi_facts() %}
        cast(sum({{ fact }}__missing) as bigint) as {{ fact }}__missing,
        max({{ fact }}__state) as {{ fact }}__state,
        {% endfor %}
        {% for c in kpi_components() %}
        cast(sum({{ c.name }}) as {{ component_type(c) }}) as {{ c.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from scoped
    where scope_id is not null
    group by grain, period_start, scope_type, scope_id, cut, cut_region, cut_store

)

select * from final
