{# The text under a top-level key of a JSON object in a text column; NULL where there is none or it is no JSON. #}
{% macro json_text(column, key) -%}
    {{- adapter.dispatch('json_text', 'crossborder_kpi')(column, key) -}}
{%- endmacro %}

{% macro duckdb__json_text(column, key) -%}
    json_extract_string(try_cast({{ column }} as json), '$.{{ key }}')
{%- endmacro %}

{% macro spark__json_text(column, key) -%}
    get_json_object({{ column }}, '$.{{ key }}')
{%- endmacro %}
