-- Components summed per grain, period and scope; stock counts on each store's last covered day of the period only.
{% set every = ['day', 'week', 'month', 'quarter', 'year'] %}
{% set scopes = [
    {'type': 'company', 'id': "'company'", 'dim': 'none', 'grains': every},
    {'type': 'region', 'id': 'region', 'dim': 'none', 'grains': every},
    {'type': 'platform', 'id': 'platform', 'dim': 'none', 'grains': every},
    {'type': 'store', 'id': 'store_id', 'dim': 'none', 'grains': every},
    {'type': 'org_unit', 'id': 'org_unit', 'dim': 'none', 'grains': every},
    {'type': 'category', 'id': 'dim_id', 'dim': 'category', 'grains': every},
    {'type': 'channel', 'id': 'dim_id', 'dim': 'channel', 'grains': every},
    {'type': 'product', 'id': 'dim_id', 'dim': 'product', 'grains': ['week', 'month']},
    {'type': 'campaign', 'id': 'dim_id', 'dim': 'campaign', 'grains': ['week', 'month']},
] %}

with

store_days as (

    select
        days.*,
        stores.region,
        stores.platform,
        stores.org_unit,
        dates.date as day_start,
        dates.week_start,
        dates.month_start,
        dates.quarter_start,
        dates.year_start,
        case when days.fct_inventory_daily__missing = 0 and days.dim = 'none' then days.date end as stock_day
    from {{ ref('kpi_component_daily') }} as days
    inner join {{ ref('dim_store') }} as stores on days.store_id = stores.store_id
    inner join {{ ref('dim_date') }} as dates on days.date = dates.date

),

marked as (

    select
        *,
        {% for grain in every %}
        date = max(stock_day) over (partition by store_id, {{ grain }}_start) as is_last_of_{{ grain }}{{ ',' if not loop.last }}
        {% endfor %}
    from store_days

),

-- Declared cuts are scopes of more than one dimension.
periods as (

{% for scope in scopes %}{% for grain in scope.grains %}
    {{ period_rows(scope.type, scope.id, scope.dim, grain, 'cast(null as varchar)', 'cast(null as varchar)', 'cast(null as varchar)') }}
    union all
{% endfor %}{% endfor %}
{% for grain in every %}
    {{ period_rows('category', 'dim_id', 'category', grain, 'region', 'cast(null as varchar)', "'region_category'") }}
    union all
    {{ period_rows('category', 'dim_id', 'category', grain, 'region', 'store_id', "'store_category'") }}
    union all
    {{ period_rows('channel', 'dim_id', 'channel', grain, 'region', 'store_id', "'store_channel'") }}
    {% if not loop.last %}union all{% endif %}
{% endfor %}

)

select * from periods
