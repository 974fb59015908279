{#
    Rows of one table of the lake, complete loads only, with the columns that the dbt source declares and three more:
    source_id, load_id (sorts as time), loaded_at. An incremental model reads only the loads that no build has consumed.
    A system that nobody configured gives the same columns and no rows.
#}
{% macro landed(system, table) -%}
    {%- set every_load = ref('stg_landing__visible_load') -%}
    {%- set unread = ref('stg_landing__unread_load') -%}
    {%- set visible = unread if is_incremental() else every_load -%}
    {%- set lake_table = source(system, table) -%}
    {{- adapter.dispatch('landed', 'crossborder_kpi')(system, table, visible) -}}
{%- endmacro %}

{% macro duckdb__landed(system, table, visible) -%}
    {%- if not execute -%}
        select 1 as not_parsed
    {%- else -%}
        {%- set nodes = graph.sources.values()
            | selectattr('source_name', 'equalto', system) | selectattr('name', 'equalto', table) | list -%}
        {%- set columns = nodes[0].columns.values() | list -%}
        {%- set folder = '*' if system == 'landing' else system -%}
        {%- set pattern = lake() ~ '/' ~ folder ~ '/*/' ~ table ~ '/*.parquet' -%}
        {%- set files = unread_files(pattern, visible) if is_incremental() else lake_has(pattern) -%}
        {%- set empty -%}
            select
                {%- for column in columns %}
                cast(null as {{ column.data_type }}) as {{ column.name }},
                {%- endfor %}
                cast(null as varchar) as lake_file
            where false
        {%- endset -%}
        (
            select
                {%- for column in columns %}
                cast(lake_rows.{{ column.name }} as {{ column.data_type }}) as {{ column.name }},
                {%- endfor %}
                {%- for name in ('system', 'source_id') if name not in columns | map(attribute='name') | list %}
                visible.{{ name }},
                {%- endfor %}
                visible.load_id,
                visible.loaded_at
            from (
                {{ empty }}
                {% if files -%}
                union all by name
                select * replace ({{ path_of_file('lake_file') }} as lake_file)
                from read_parquet(
                    {{ files if is_incremental() else "'" ~ pattern ~ "'" }}, union_by_name = true, filename = 'lake_file'
                )
                {%- endif %}
            ) as lake_rows
            inner join {{ visible }} as visible
                on lake_rows.lake_file = visible.lake_file_prefix || '{{ table }}/' || visible.load_id
        )
    {%- endif -%}
{%- endmacro %}

{% macro lake() -%}
    {{- env_var('KPI_LAKE', 'lake') | replace("'", "''") -}}
{%- endmacro %}

{% macro lake_has(pattern) -%}
    {%- set found = run_query("select count(*) from glob('" ~ pattern ~ "')").columns[0].values()[0] -%}
    {{- return(found > 0) -}}
{%- endmacro %}

{# The data files of unread loads as a SQL list, so that a build opens no file that an earlier one has read; or none. #}
{% macro unread_files(pattern, unread) -%}
    {%- set found = run_query(
        "select candidates.file from glob('" ~ pattern ~ "') as candidates where "
        ~ load_of_file('candidates.file') ~ " in (select load_id from " ~ unread ~ ")"
    ).columns[0].values() -%}
    {{- return("['" ~ found | map('replace', "'", "''") | join("', '") ~ "']" if found else none) -}}
{%- endmacro %}

{% macro load_of_file(column) -%}
    regexp_extract({{ column }}, '([0-9]+\.[0-9]+)\.[^/\\]*$', 1)
{%- endmacro %}

{# `system/source/table/load_id` of a data file: the file id after the load id is dropped. #}
{% macro path_of_file(column) -%}
    regexp_extract({{ column }}, '([^/\\]+[/\\][^/\\]+[/\\][^/\\]+[/\\][0-9]+\.[0-9]+)\.[^/\\]*$', 1)
{%- endmacro %}
