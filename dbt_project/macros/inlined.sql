{# After `as` of a CTE that is read more than once and is wide: DuckDB would write all its columns down first. #}
{% macro inlined() -%}
    {{- adapter.dispatch('inlined', 'crossborder_kpi')() -}}
{%- endmacro %}

{% macro duckdb__inlined() -%}
    not materialized
{%- endmacro %}

{% macro spark__inlined() -%}
{%- endmacro %}
