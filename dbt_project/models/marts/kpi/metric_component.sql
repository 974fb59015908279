-- The additive components that metric expressions are made of: which fact, which aggregation, which column.
with

components (component, fact, agg, expr) as (
    values
    {% for component in kpi_components() %}
    (
        '{{ component.name }}',
        '{{ component.fact }}',
        '{{ component.agg }}',
        '{{ component.expr | replace("'", "''") }}'
    ){{ ',' if not loop.last }}
    {% endfor %}
)

select * from components
