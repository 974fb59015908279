{#- Components of one scope type, dimension and grain, from the CTE of that grain; the SQL arguments are column expressions. -#}
{% macro period_rows(scope_type, scope_id, dim, grain, region, store, cut) %}
    select
        '{{ grain }}' as grain,
        period_start,
        '{{ scope_type }}' as scope_type,
        {{ scope_id }} as scope_id,
        {{ cut }} as cut,
        {{ region }} as region,
        {{ store }} as store_id,
        max(as_of_day) as as_of_day,
        {% for fact in kpi_facts() %}
        cast(sum({{ fact }}__missing) as bigint) as {{ fact }}__missing,
        max({{ fact }}__state) as {{ fact }}__state,
        {% endfor %}
        {% for c in kpi_components() %}
        cast(sum({{ c.name }}) as {{ component_type(c) }}) as {{ c.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ grain }}_of_store
    where dim = '{{ dim }}' and {{ scope_id }} is not null
    group by 1, 2, 3, 4, 5, 6, 7
{% endmacro %}
