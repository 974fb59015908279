{# Schemas are promised names (`core`, `kpi`, `audit`), so no target prefix on DuckDB, where each company has its file.
   On Spark companies share a catalog: the build of the company whose database is `kpi` is in `kpi_core` and so on, its
   publication in `kpi` itself. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if target.type == 'spark' and custom_schema_name -%}
        {{ target.schema }}_{{ custom_schema_name | trim }}
    {%- else -%}
        {{ (custom_schema_name or target.schema) | trim }}
    {%- endif -%}
{%- endmacro %}
