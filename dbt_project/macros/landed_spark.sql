{#
    `landed()` for Spark: the declared schema takes columns by name, so one that a file lacks is NULL. The second folder
    of `path` is always there and holds no Parquet: Spark refuses a pattern that matches nothing.
#}
{% macro spark__landed(system, table, visible) -%}
    {%- if not execute -%}
        select 1 as not_parsed
    {%- else -%}
        {%- set nodes = graph.sources.values()
            | selectattr('source_name', 'equalto', system) | selectattr('name', 'equalto', table) | list -%}
        {%- set columns = nodes[0].columns.values() | list -%}
        {%- set view = 'lake__' ~ system ~ '__' ~ table -%}
        {%- set folder = '*' if system == 'landing' else system -%}
        {%- set folders = '{' ~ folder ~ '/*/' ~ table ~ ',files/reference/_dlt_loads}' -%}
        {%- set definition -%}
            create or replace temporary view {{ view }} (
                {%- for column in columns %}
                {{ column.name }} {{ type_name(column.data_type) }}{{ ',' if not loop.last }}
                {%- endfor %}
            ) using parquet options (path '{{ lake() }}/{{ folders }}', pathGlobFilter '*.parquet')
        {%- endset -%}
        {%- do run_query(definition) -%}
        (
            select
                {%- for column in columns %}
                lake_rows.{{ column.name }},
                {%- endfor %}
                {%- for name in ('system', 'source_id') if name not in columns | map(attribute='name') | list %}
                visible.{{ name }},
                {%- endfor %}
                visible.load_id,
                visible.loaded_at
            from (
                select
                    *,
                    regexp_extract(input_file_name(), '([^/]+/[^/]+/[^/]+/[0-9]+[.][0-9]+)[.][^/]*$', 1) as lake_file
                from {{ view }}
            ) as lake_rows
            inner join {{ visible }} as visible
                on lake_rows.lake_file = visible.lake_file_prefix || '{{ table }}/' || visible.load_id
        )
    {%- endif -%}
{%- endmacro %}
