{# One file of data/state/run as rows; the file may be absent, which is no rows. `columns` maps a name to a type. #}
{% macro run_file(name, columns) -%}
    {{- adapter.dispatch('run_file', 'crossborder_kpi')(name, columns) -}}
{%- endmacro %}

{% macro duckdb__run_file(name, columns) -%}
    {%- set path = (env_var('KPI_STATE', 'state') | replace("'", "''")) ~ '/run/' ~ name ~ '.jsonl' -%}
    {%- if execute and lake_has(path) -%}
        (select * from read_json(
            '{{ path }}', format = 'newline_delimited',
            columns = { {%- for column, type in columns.items() -%}
                '{{ column }}': '{{ type }}'{{ ', ' if not loop.last }}
            {%- endfor -%} }
        ))
    {%- else -%}
        (select
            {%- for column, type in columns.items() %}
            cast(null as {{ type }}) as "{{ column }}"{{ ',' if not loop.last }}
            {%- endfor %}
        where false)
    {%- endif -%}
{%- endmacro %}

{# Read as text and parsed: a pattern that matches no file is an error to Spark, the folder is always there. #}
{% macro spark__run_file(name, columns) -%}
    {%- set schema -%}
        {%- for column, type in columns.items() -%}{{ column }} {{ type_name(type) }}{{ ', ' if not loop.last }}{%- endfor -%}
    {%- endset -%}
    (
        select line.*
        from (
            select from_json(value, '{{ schema }}', map('mode', 'FAILFAST')) as line
            from text.`{{ env_var('KPI_STATE', 'state') }}/run`
            where input_file_name() like '%/{{ name }}.jsonl'
        )
    )
{%- endmacro %}
