{# What an engine calls a type that is declared in YAML, in DuckDB's words. #}
{% macro type_name(declared) -%}
    {{- adapter.dispatch('type_name', 'crossborder_kpi')(declared) -}}
{%- endmacro %}

{% macro default__type_name(declared) -%}
    {{- declared -}}
{%- endmacro %}

{% macro spark__type_name(declared) -%}
    {{- {'varchar': 'string', 'timestamp with time zone': 'timestamp'}.get(declared | lower, declared) -}}
{%- endmacro %}

{# The type of a moment in UTC. #}
{% macro moment_type() -%}
    {{- type_name('timestamp with time zone') -}}
{%- endmacro %}

{# dbt compares a contract with the columns of this query. #}
{% macro spark__get_empty_schema_sql(columns) -%}
    select
        {% for column in columns.values() %}
        cast(null as {{ type_name(column.data_type) }}) as {{ column.name }}{{ ',' if not loop.last }}
        {% endfor %}
    where false
{%- endmacro %}
