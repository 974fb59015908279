{# The published file is read by `accepted()`, so that a held store keeps its last good rows. #}
{% macro published_path() -%}
    {{- return(env_var('KPI_PUBLISHED', '') | replace("'", "''")) -}}
{%- endmacro %}

{% macro attach_published() -%}
    {%- if execute and published_path() and lake_has(published_path()) -%}
        attach if not exists '{{ published_path() }}' as published (read_only)
    {%- endif -%}
{%- endmacro %}

{% macro detach_published() -%}
    {%- if execute -%}
        detach database if exists published
    {%- endif -%}
{%- endmacro %}

{# Accepted rows of a core fact: this build's, but for held stores those published last (none if never published). #}
{% macro accepted(fact) -%}
    {%- set built = ref(fact) -%}
    {%- set held = ref('int_held_store') -%}
    {%- set found = "select count(*) from duckdb_tables() where database_name = 'published' and schema_name = 'core'"
        ~ " and table_name = '" ~ fact ~ "'" -%}
    {%- set published = execute and run_query(found).columns[0].values()[0] > 0 -%}
    (
        select * from {{ built }}
        where store_id not in (select held.store_id from {{ held }} as held)
        {%- if published %}
        union all by name
        select * from published.core.{{ fact }}
        where store_id in (select held.store_id from {{ held }} as held)
        {%- endif %}
    )
{%- endmacro %}
