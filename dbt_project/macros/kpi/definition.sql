{#- What a version of a metric stands for: its formula in full, down to the columns of the core facts. -#}
{% macro full_formula(name) -%}
    {% set state = namespace(text=metric_expression(name)) %}
    {% for component in kpi_components() %}
        {% set state.text = modules.re.sub('\\b' ~ component.name ~ '\\b', '@' ~ loop.index ~ '@', state.text) %}
    {% endfor %}
    {% for component in kpi_components() %}
        {% set measured = component.agg ~ '(' ~ component.fact ~ ': ' ~ component.expr ~ ')' %}
        {% set state.text = state.text | replace('@' ~ loop.index ~ '@', measured) %}
    {% endfor %}
    {{ return(modules.re.sub('\\s+', ' ', state.text)) }}
{%- endmacro %}

{#-
    Prints the rows that seeds/definition_history.csv lacks, ready to be appended to it:
    dbt --quiet run-operation record_definitions --args '{by: NAME, reason: WHY}' >> seeds/definition_history.csv
-#}
{% macro record_definitions(by, reason) -%}
    {% set seed = graph.nodes['seed.crossborder_kpi.definition_history'] %}
    {% set known = run_query("select metric || ' ' || version from read_csv('" ~ seed.root_path ~ '/'
        ~ seed.original_file_path ~ "', header = true, all_varchar = true)").columns[0].values() %}
    {% for metric in kpi_metrics() if metric.name ~ ' ' ~ metric.config.meta.version not in known %}
        {% set row = [metric.name, metric.config.meta.version | string, by, modules.datetime.date.today().isoformat(),
            reason, full_formula(metric.name)] %}
        {% set quoted = [] %}
        {% for field in row %}{% do quoted.append('"' ~ (field | replace('"', '""')) ~ '"') %}{% endfor %}
        {% do print(quoted | join(',')) %}
    {% endfor %}
{%- endmacro %}
