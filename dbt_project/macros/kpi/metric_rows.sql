{#-
    One row per metric and row of `source`. A scope of a dimension has the metrics whose facts all know that dimension:
    a channel has no stock, and a campaign only what ads say. `keys` are kept as they are.
-#}
{% macro metric_rows(source, keys) -%}
    {% set narrow = {'channel': kpi_dimensions().channel.facts, 'campaign': kpi_dimensions().campaign.facts} %}
    {% for scope_type, facts in [('', none)] + (narrow.items() | list) %}
    {% set structs = [] %}
    {% for metric in public_metrics(facts) %}{% do structs.append(metric_struct(metric)) %}{% endfor %}
    select
        {% for key in keys %}
        entry.{{ key }},
        {% endfor %}
        {{ rows_of_structs('entry.rows') }}
    from (
        select
            {% for key in keys %}
            {{ key }},
            {% endfor %}
            {{ list_of_structs(structs) }} as rows
        from {{ source }}
        where scope_type {{ "= '" ~ scope_type ~ "'" if scope_type else "not in ('" ~ narrow | join("', '") ~ "')" }}
    ) as entry
    {{ 'union all' if not loop.last }}
    {% endfor %}
{%- endmacro %}

{#- fields of a metric's row, each with its SQL; only a ratio has a numerator and a denominator -#}
{% macro metric_struct(metric) -%}
    {% set expression = metric_expression(metric.name) %}
    {% set struct = {'metric': "'" ~ metric.name ~ "'", 'value': 'cast(' ~ metric_value(metric, expression) ~ ' as double)'} %}
    {% for part in ('numerator', 'denominator') %}
        {% set input = metric.type_params[part] %}
        {% set value = metric_value(metric, metric_expression(input.name)) if input else 'null' %}
        {% do struct.update({part: 'cast(' ~ value ~ ' as double)'}) %}
    {% endfor %}
    {% do struct.update({
        'status': metric_status(metric_facts(expression)),
        'definition_version': 'cast(' ~ metric.config.meta.version ~ ' as integer)',
    }) %}
    {{ return(struct) }}
{%- endmacro %}
