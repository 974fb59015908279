{# What was published last is read by `accepted()`, so that a held store keeps its last good rows. #}
{% macro published_path() -%}
    {{- return(env_var('KPI_PUBLISHED', '') | replace("'", "''")) -}}
{%- endmacro %}

{% macro attach_published() -%}
    {%- if execute and target.type == 'duckdb' and published_path() and lake_has(published_path()) -%}
        attach if not exists '{{ published_path() }}' as published (read_only)
    {%- endif -%}
{%- endmacro %}

{% macro detach_published() -%}
    {%- if execute and target.type == 'duckdb' -%}
        detach database if exists published
    {%- endif -%}
{%- endmacro %}

{# Accepted rows of a core fact: this build's, but for held stores those published last (none if never published). #}
{% macro accepted(fact) -%}
    {%- set built = ref(fact) -%}
    {%- set held = ref('kpi_held_store') -%}
    {%- set published = execute and adapter.dispatch('published_relation', 'crossborder_kpi')(fact) -%}
    (
        select * from {{ built }}
        where store_id not in (select held.store_id from {{ held }} as held)
        {%- if published %}
        {%- set known = adapter.get_columns_in_relation(published) | map(attribute='name') | list %}
        union all
        select
            {%- for column in adapter.get_columns_in_relation(built) %}
            {{ 'null as ' if column.name not in known }}{{ column.name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ published }}
        where store_id in (select held.store_id from {{ held }} as held)
        {%- endif %}
    )
{%- endmacro %}

{# The published table of a fact; none before the first publication. #}
{% macro duckdb__published_relation(fact) -%}
    {%- set found = "select count(*) from duckdb_tables() where database_name = 'published' and schema_name = 'core'"
        ~ " and table_name = '" ~ fact ~ "'" -%}
    {%- if run_query(found).columns[0].values()[0] > 0 -%}
        {{- return(api.Relation.create(database='published', schema='core', identifier=fact)) -}}
    {%- endif -%}
{%- endmacro %}

{% macro spark__published_relation(fact) -%}
    {%- if run_query("show databases like '" ~ target.schema ~ "'").rows | length > 0
        and run_query("show views in " ~ target.schema ~ " like '" ~ fact ~ "'").rows | length > 0 -%}
        {{- return(api.Relation.create(schema=target.schema, identifier=fact)) -}}
    {%- endif -%}
{%- endmacro %}
