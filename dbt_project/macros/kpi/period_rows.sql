{#- Component sums of one scope type, dimension and grain over the CTE of that grain; the SQL arguments are column expressions. -#}
{% macro period_rows(scope_type, scope_id, dim, grain, region, store, cut) %}
    {% set components = kpi_components() %}
    {% set facts = kpi_facts() %}
    select
        '{{ grain }}' as grain,
        {{ grain }}_start as period_start,
        '{{ scope_type }}' as scope_type,
        {{ scope_id }} as scope_id,
        {{ cut }} as cut,
        {{ region }} as region,
        {{ store }} as store_id,
        max(date) as as_of_day,
        {% for fact in facts %}
        sum({{ fact }}__missing) as {{ fact }}__missing,
        max({{ fact }}__state) as {{ fact }}__state,
        {% endfor %}
        {% for c in components %}
        sum({{ c.name }}){% if c.agg == 'last' %} filter (where is_stock_day){% endif %} as {{ c.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from in_{{ grain }}
    where dim = '{{ dim }}' and {{ scope_id }} is not null
    group by 1, 2, 3, 4, 5, 6, 7
{% endmacro %}
