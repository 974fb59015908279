{# After `as` of a wide CTE that is read more than once: DuckDB would write all its columns down for the second reader. #}
{% macro inlined() -%}
    {{- adapter.dispatch('inlined', 'crossborder_kpi')() -}}
{%- endmacro %}

{% macro duckdb__inlined() -%}
    not materialized
{%- endmacro %}

{% macro spark__inlined() -%}
{%- endmacro %}
