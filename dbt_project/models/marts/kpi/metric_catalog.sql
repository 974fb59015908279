-- The definitions themselves, as people read them. `values`, because Spark makes a file of every `union all` branch.
with

catalog (
    metric, name_en, name_zh, description, formula, unit, direction, kind, time_basis, currency_policy, null_policy, owner,
    version, effective_from, review_by, expression
) as (
    values
    {% for metric in public_metrics() %}
    {% set meta = metric.config.meta %}
    {% set p = metric.type_params %}
    (
        '{{ metric.name }}',
        '{{ meta.name_en | replace("'", "''") }}',
        '{{ meta.name_zh }}',
        '{{ metric.description | trim | replace("'", "''") }}',
        '{{ (p.numerator.name ~ " / " ~ p.denominator.name if p.numerator else (p.expr or (p.measure.name if p.measure else ""))) | replace("'", "''") }}',
        '{{ meta.unit }}',
        '{{ meta.direction }}',
        '{{ meta.kind }}',
        '{{ meta.time_basis }}',
        '{{ meta.currency_policy }}',
        '{{ meta.null_policy }}',
        '{{ meta.owner }}',
        cast({{ meta.version }} as integer),
        cast('{{ meta.effective_from }}' as date),
        cast('{{ meta.review_by }}' as date),
        '{{ metric_expression(metric.name) | replace("'", "''") }}'
    ){{ ',' if not loop.last }}
    {% endfor %}
)

select * from catalog
