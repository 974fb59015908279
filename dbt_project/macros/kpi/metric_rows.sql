{#- One row per metric for each row of `source`, built from the metrics of the graph; `keys` are kept as they are. -#}
{% macro metric_rows(source, keys) -%}
    select
        {% for key in keys %}
        entry.{{ key }},
        {% endfor %}
        unnest(entry.rows, max_depth := 2)
    from (
        select
            {% for key in keys %}
            {{ key }},
            {% endfor %}
            [
                {% for metric in public_metrics() %}
                {% set expression = metric_expression(metric.name) %}
                {% set is_ratio = metric.type_params.numerator %}
                {% set facts = metric_facts(expression) %}
                {
                    'metric': '{{ metric.name }}',
                    'value': cast({{ metric_value(metric, expression) }} as double),
                    'numerator': {% if is_ratio %}cast({{ metric_value(metric, metric_expression(metric.type_params.numerator.name)) }} as double){% else %}cast(null as double){% endif %},
                    'denominator': {% if is_ratio %}cast({{ metric_value(metric, metric_expression(metric.type_params.denominator.name)) }} as double){% else %}cast(null as double){% endif %},
                    'status': {{ metric_status(facts) }},
                    'definition_version': cast({{ metric.config.meta.version }} as integer)
                }{{ ',' if not loop.last }}
                {% endfor %}
            ] as rows
        from {{ source }}
    ) as entry
{%- endmacro %}
