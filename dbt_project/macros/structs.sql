{# A list of structs in SQL; `structs` are mappings of a field's name to its expression, all with the same fields. #}
{% macro list_of_structs(structs) -%}
    {{- adapter.dispatch('list_of_structs', 'crossborder_kpi')(structs) -}}
{%- endmacro %}

{% macro duckdb__list_of_structs(structs) -%}
    [
        {%- for struct in structs %}
        {
            {%- for field, expression in struct.items() %}'{{ field }}': {{ expression }}{{ ', ' if not loop.last }}{% endfor -%}
        }{{ ',' if not loop.last }}
        {%- endfor %}
    ]
{%- endmacro %}

{% macro spark__list_of_structs(structs) -%}
    array(
        {%- for struct in structs %}
        named_struct(
            {%- for field, expression in struct.items() %}'{{ field }}', {{ expression }}{{ ', ' if not loop.last }}{% endfor -%}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{# In a select list: a row for each struct of a list, a column for each of its fields. #}
{% macro rows_of_structs(list) -%}
    {{- adapter.dispatch('rows_of_structs', 'crossborder_kpi')(list) -}}
{%- endmacro %}

{% macro duckdb__rows_of_structs(list) -%}
    unnest({{ list }}, max_depth := 2)
{%- endmacro %}

{% macro spark__rows_of_structs(list) -%}
    inline({{ list }})
{%- endmacro %}
