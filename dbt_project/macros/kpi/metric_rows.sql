{#-
    One row per metric and row of `source`. A scope of a dimension has the metrics whose facts all know that dimension:
    a channel has no stock, and a campaign only what ads say. `keys` are kept as they are.
-#}
{% macro metric_rows(source, keys) -%}
    {% set narrow = {'channel': kpi_dimensions().channel.facts, 'campaign': kpi_dimensions().campaign.facts} %}
    {% for scope_type, facts in [('', none)] + (narrow.items() | list) %}
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
                {% for metric in public_metrics(facts) %}
                {{ metric_struct(metric) }}{{ ',' if not loop.last }}
                {% endfor %}
            ] as rows
        from {{ source }}
        where scope_type {{ "= '" ~ scope_type ~ "'" if scope_type else "not in ('" ~ narrow | join("', '") ~ "')" }}
    ) as entry
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}

{% macro metric_struct(metric) -%}
    {% set expression = metric_expression(metric.name) %}
    {% set parts = metric.type_params %}
    {
        'metric': '{{ metric.name }}',
        'value': cast({{ metric_value(metric, expression) }} as double),
        'numerator': {% if parts.numerator %}cast({{ metric_value(metric, metric_expression(parts.numerator.name)) }} as double){% else %}cast(null as double){% endif %},
        'denominator': {% if parts.numerator %}cast({{ metric_value(metric, metric_expression(parts.denominator.name)) }} as double){% else %}cast(null as double){% endif %},
        'status': {{ metric_status(metric_facts(expression)) }},
        'definition_version': cast({{ metric.config.meta.version }} as integer)
    }
{%- endmacro %}
