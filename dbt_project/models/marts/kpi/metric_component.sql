-- The additive components that metric expressions are made of: which fact, which aggregation, which column.
{% for component in kpi_components() %}
select
    '{{ component.name }}' as component,
    '{{ component.fact }}' as fact,
    '{{ component.agg }}' as agg,
    '{{ component.expr | replace("'", "''") }}' as expr
{{ 'union all' if not loop.last }}
{% endfor %}
