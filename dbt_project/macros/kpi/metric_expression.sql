{#- Definitions read from the parsed project: metrics and measures are declared once, in `models/semantic`. -#}

{#- list of {name, fact, agg ('sum', 'count_distinct' or 'last'), expr}: one per measure -#}
{% macro kpi_components() -%}
    {% set found = [] %}
    {% for model in (graph.semantic_models or {}).values() | sort(attribute='name') %}
        {% set fact = model.node_relation.alias %}
        {% for measure in model.measures %}
            {% do found.append({
                'name': measure.name,
                'fact': fact,
                'agg': 'last' if measure.non_additive_dimension else (measure.agg.value or measure.agg) | string,
                'expr': measure.expr or measure.name,
            }) %}
        {% endfor %}
    {% endfor %}
    {{ return(found) }}
{%- endmacro %}

{% macro kpi_metrics() -%}
    {{ return((graph.metrics or {}).values() | sort(attribute='name') | list) }}
{%- endmacro %}

{#- metrics that people read; an internal one only feeds others. `facts` keeps those that rest on these facts alone -#}
{% macro public_metrics(facts=none) -%}
    {% set found = [] %}
    {% for metric in kpi_metrics() if not metric.config.meta.internal %}
        {% set rests_on = metric_facts(metric_expression(metric.name)) %}
        {% if facts is none or rests_on | reject('in', facts) | list | length == 0 %}
            {% do found.append(metric) %}
        {% endif %}
    {% endfor %}
    {{ return(found) }}
{%- endmacro %}

{#- SQL over component columns; ratios divide sums and give NULL for a zero denominator -#}
{% macro metric_expression(name) -%}
    {% set found = namespace(sql=none) %}
    {% for metric in kpi_metrics() if metric.name == name %}
        {% set params = metric.type_params %}
        {% set type = (metric.type.value or metric.type) | string %}
        {% if type == 'simple' %}
            {% set found.sql = params.measure.name %}
        {% elif type == 'ratio' %}
            {% set found.sql = 'cast(' ~ metric_expression(params.numerator.name) ~ ' as double) / nullif('
                ~ metric_expression(params.denominator.name) ~ ', 0)' %}
        {% else %}
            {% set state = namespace(sql=params.expr) %}
            {% for input in params.metrics %}
                {% set state.sql = modules.re.sub('\\b' ~ (input.alias or input.name) ~ '\\b', '@' ~ loop.index ~ '@', state.sql) %}
            {% endfor %}
            {% for input in params.metrics %}
                {% set state.sql = state.sql | replace('@' ~ loop.index ~ '@', '(' ~ metric_expression(input.name) ~ ')') %}
            {% endfor %}
            {% set found.sql = state.sql %}
        {% endif %}
    {% endfor %}
    {% if found.sql is none and execute %}{{ exceptions.raise_compiler_error('no metric is called ' ~ name) }}{% endif %}
    {{ return(found.sql) }}
{%- endmacro %}

{#- facts that an expression rests on -#}
{% macro metric_facts(expression) -%}
    {% set found = [] %}
    {% for component in kpi_components() %}
        {% if modules.re.search('\\b' ~ component.name ~ '\\b', expression) and component.fact not in found %}
            {% do found.append(component.fact) %}
        {% endif %}
    {% endfor %}
    {{ return(found) }}
{%- endmacro %}

{#- the value of a metric in a KPI table: a propagating one is NULL as soon as one of its facts misses a store-day; late
    refunds are no unknown cost, and gross profit stands without them -#}
{% macro metric_value(metric, expression) -%}
    {% if metric.config.meta.null_policy == 'propagate' -%}
        case when {% for fact in metric_facts(expression) | reject('equalto', 'fct_refund') %}{{ fact }}__missing = 0{{ ' and ' if not loop.last }}{% endfor %} then {{ expression }} end
    {%- else -%}
        {{ expression }}
    {%- endif %}
{%- endmacro %}

{#- worst state of the configured facts: 2 stale, 1 provisional, 0 settled; nobody configured one: stale -#}
{% macro metric_status(facts) -%}
    case coalesce(greatest({% for fact in facts %}{{ fact }}__state, {% endfor %}null), 2)
        when 0 then 'settled' when 1 then 'provisional' else 'stale'
    end
{%- endmacro %}

{#- components that are money: those a simple metric counted in the reporting currency reads -#}
{% macro kpi_money() -%}
    {% set found = [] %}
    {% for metric in kpi_metrics() %}
        {% if metric.config.meta.unit == 'currency' and metric.type_params.measure %}
            {% do found.append(metric.type_params.measure.name) %}
        {% endif %}
    {% endfor %}
    {{ return(found) }}
{%- endmacro %}

{% macro kpi_facts() -%}
    {{ return(['fct_order_line', 'fct_refund', 'fct_ledger_entry', 'fct_ad_daily', 'fct_inventory_daily']) }}
{%- endmacro %}

{#- what components are summed by besides store and day: each dimension's column, and the facts that know it -#}
{% macro kpi_dimensions() -%}
    {{ return({
        'none': {'column': "''", 'facts': kpi_facts()},
        'category': {'column': 'category', 'facts': kpi_facts()},
        'product': {'column': 'product_id', 'facts': kpi_facts()},
        'channel': {'column': 'channel', 'facts': ['fct_order_line', 'fct_refund', 'fct_ad_daily']},
        'campaign': {'column': 'campaign_id', 'facts': ['fct_ad_daily']},
    }) }}
{%- endmacro %}

{% macro kpi_grains() -%}
    {{ return(['day', 'week', 'month', 'quarter', 'year']) }}
{%- endmacro %}

{% macro component_type(component) -%}
    {%- if component.name == 'demand_30d' -%} decimal(38, 6)
    {%- elif component.name in kpi_money() -%} decimal(38, 4)
    {%- else -%} bigint
    {%- endif -%}
{%- endmacro %}
