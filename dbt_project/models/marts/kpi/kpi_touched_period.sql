{{ config(schema='state') }}

-- Periods of every grain that hold a touched store-day.
{% for grain in kpi_grains() %}
select distinct
    '{{ grain }}' as grain,
    {{ 'dates.date' if grain == 'day' else 'dates.' ~ grain ~ '_start' }} as period_start
from {{ ref('dim_date') }} as dates
inner join {{ ref('kpi_touched_day') }} as touched on dates.date = touched.date
{{ 'union all' if not loop.last }}
{% endfor %}
