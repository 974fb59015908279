{{ config(materialized='table') }}

-- Complete loads only. A table built once per run, so that one build sees one set of loads.
{% set pattern = lake() ~ '/*/*/_dlt_loads/*.jsonl' %}
{% if execute and lake_has(pattern) %}
select distinct
    load_id,
    cast(inserted_at as timestamp with time zone) as loaded_at,
    regexp_extract(filename, '([^/\\]+)[/\\][^/\\]+[/\\]_dlt_loads[/\\][^/\\]*$', 1) as system,
    regexp_extract(filename, '([^/\\]+)[/\\]_dlt_loads[/\\][^/\\]*$', 1) as source_id,
    regexp_extract(filename, '([^/\\]+[/\\][^/\\]+[/\\])_dlt_loads[/\\][^/\\]*$', 1) as lake_file_prefix
from read_json(
    '{{ pattern }}', format = 'newline_delimited', filename = true,
    columns = {load_id: 'varchar', status: 'bigint', inserted_at: 'varchar'}
)
where status = 0
{% else %}
select
    cast(null as varchar) as load_id,
    cast(null as timestamp with time zone) as loaded_at,
    cast(null as varchar) as system,
    cast(null as varchar) as source_id,
    cast(null as varchar) as lake_file_prefix
where false
{% endif %}
