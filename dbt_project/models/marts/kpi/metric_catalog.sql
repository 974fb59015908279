-- The definitions themselves, as people read them.
{% for metric in public_metrics() %}
{% set meta = metric.config.meta %}
select
    '{{ metric.name }}' as metric,
    '{{ meta.name_en | replace("'", "''") }}' as name_en,
    '{{ meta.name_zh }}' as name_zh,
    '{{ metric.description | trim | replace("'", "''") }}' as description,
    {% set p = metric.type_params %}
    '{{ (p.numerator.name ~ " / " ~ p.denominator.name if p.numerator else (p.expr or (p.measure.name if p.measure else ""))) | replace("'", "''") }}' as formula,
    '{{ meta.unit }}' as unit,
    '{{ meta.direction }}' as direction,
    '{{ meta.kind }}' as kind,
    '{{ meta.time_basis }}' as time_basis,
    '{{ meta.currency_policy }}' as currency_policy,
    '{{ meta.null_policy }}' as null_policy,
    '{{ meta.owner }}' as owner,
    cast({{ meta.version }} as integer) as version,
    cast('{{ meta.effective_from }}' as date) as effective_from,
    cast('{{ meta.review_by }}' as date) as review_by,
    '{{ metric_expression(metric.name) | replace("'", "''") }}' as expression
{{ 'union all' if not loop.last }}
{% endfor %}
