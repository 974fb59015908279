{{ config(
    schema='state',
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ leave_touched_by(['grain', 'period_start'], 'kpi_touched_period') }}",
) }}

-- depends_on: {{ ref('kpi_touched_period') }}
-- Components summed per grain, period and scope; stock counts on each store's last covered day of the period only.
{% set no = 'cast(null as string)' %}
{% set fine = ['week', 'month'] %}
{% set scopes = [
    {'type': 'company', 'id': "'company'", 'dim': 'none', 'grains': kpi_grains()},
    {'type': 'region', 'id': 'region', 'dim': 'none', 'grains': kpi_grains()},
    {'type': 'platform', 'id': 'platform', 'dim': 'none', 'grains': kpi_grains()},
    {'type': 'store', 'id': 'store_id', 'dim': 'none', 'grains': kpi_grains()},
    {'type': 'org_unit', 'id': 'org_unit', 'dim': 'none', 'grains': kpi_grains()},
    {'type': 'category', 'id': 'dim_id', 'dim': 'category', 'grains': kpi_grains()},
    {'type': 'channel', 'id': 'dim_id', 'dim': 'channel', 'grains': kpi_grains()},
    {'type': 'product', 'id': 'dim_id', 'dim': 'product', 'grains': fine},
    {'type': 'campaign', 'id': 'dim_id', 'dim': 'campaign', 'grains': fine},
    {'type': 'category', 'id': 'dim_id', 'dim': 'category', 'grains': kpi_grains(), 'region': 'region', 'cut': 'region_category'},
    {'type': 'category', 'id': 'dim_id', 'dim': 'category', 'grains': kpi_grains(), 'region': 'region', 'store': 'store_id', 'cut': 'store_category'},
    {'type': 'channel', 'id': 'dim_id', 'dim': 'channel', 'grains': kpi_grains(), 'region': 'region', 'store': 'store_id', 'cut': 'store_channel'},
] %}

with

dated as (

    select
        days.*,
        stores.region,
        stores.platform,
        stores.org_unit,
        dates.date as day_start,
        dates.week_start,
        dates.month_start,
        dates.quarter_start,
        dates.year_start
    from {{ ref('kpi_component_daily') }} as days
    inner join {{ ref('dim_store') }} as stores on days.store_id = stores.store_id
    inner join {{ ref('dim_date') }} as dates on days.date = dates.date

),

{% for grain in kpi_grains() %}
stock_day_of_{{ grain }} as (

    select
        store_id,
        {{ grain }}_start,
        max(date) as stock_day
    from dated
    where dim = 'none' and fct_inventory_daily__missing = 0
    group by store_id, {{ grain }}_start

),

-- Per store first: every wider scope adds up far fewer rows.
{{ grain }}_of_store as (

    select
        dated.{{ grain }}_start as period_start,
        dated.store_id,
        dated.region,
        dated.platform,
        dated.org_unit,
        dated.dim,
        dated.dim_id,
        max(dated.date) as as_of_day,
        {% for fact in kpi_facts() %}
        sum(dated.{{ fact }}__missing) as {{ fact }}__missing,
        max(dated.{{ fact }}__state) as {{ fact }}__state,
        {% endfor %}
        {% for c in kpi_components() %}
        sum(dated.{{ c.name }}) {%- if c.agg == 'last' %} filter (where dated.date = stock.stock_day) {%- endif %} as {{ c.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from dated
    left join stock_day_of_{{ grain }} as stock
        on dated.store_id = stock.store_id and dated.{{ grain }}_start = stock.{{ grain }}_start
    where
        true
        {% if grain not in fine %}
        and dated.dim not in ('product', 'campaign')
        {% endif %}
        {% if is_incremental() %}
        and dated.{{ grain }}_start in (
            select period_start from {{ ref('kpi_touched_period') }} where grain = '{{ grain }}'
        )
        {% endif %}
    group by 1, 2, 3, 4, 5, 6, 7

),

{% endfor %}
final as (

{% for scope in scopes %}{% set outer = loop %}{% for grain in scope.grains %}
    {{ period_rows(scope.type, scope.id, scope.dim, grain, scope.region or no, scope.store or no, "'" ~ scope.cut ~ "'" if scope.cut else no) }}
    {% if not (outer.last and loop.last) %}union all{% endif %}
{% endfor %}{% endfor %}
)

select * from final
