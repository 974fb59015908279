{# Complete loads: load_id, loaded_at, system, source_id, and the prefix of the paths of their files in the lake. #}
{% macro complete_loads() -%}
    select distinct
        load_id,
        cast(inserted_at as {{ moment_type() }}) as loaded_at,
        regexp_extract(lake_file, '([^/]+)/[^/]+/_dlt_loads/[^/]*$', 1) as system,
        regexp_extract(lake_file, '([^/]+)/_dlt_loads/[^/]*$', 1) as source_id,
        regexp_extract(lake_file, '([^/]+/[^/]+/)_dlt_loads/[^/]*$', 1) as lake_file_prefix
    from {{ adapter.dispatch('load_records', 'crossborder_kpi')() }} as records
    where status = 0
{%- endmacro %}

{% macro duckdb__load_records() -%}
    {%- set pattern = lake() ~ '/*/*/_dlt_loads/*.jsonl' -%}
    (
        {%- if execute and lake_has(pattern) %}
        select load_id, status, inserted_at, replace(filename, chr(92), '/') as lake_file
        from read_json(
            '{{ pattern }}', format = 'newline_delimited', filename = true,
            columns = {load_id: 'varchar', status: 'bigint', inserted_at: 'varchar'}
        )
        {%- else %}
        select
            cast(null as varchar) as load_id,
            cast(null as bigint) as status,
            cast(null as varchar) as inserted_at,
            cast(null as varchar) as lake_file
        where false
        {%- endif %}
    )
{%- endmacro %}

{# Landing begins with the company's own files, so the pattern always matches some. #}
{% macro spark__load_records() -%}
    (
        select
            get_json_object(value, '$.load_id') as load_id,
            cast(get_json_object(value, '$.status') as bigint) as status,
            get_json_object(value, '$.inserted_at') as inserted_at,
            input_file_name() as lake_file
        from text.`{{ lake() }}/*/*/_dlt_loads/*.jsonl`
    )
{%- endmacro %}
