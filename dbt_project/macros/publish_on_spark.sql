{#
    Publication on Spark, by `dbt run-operation`, so that it takes whatever way to the cluster the build takes. Without a
    table format nothing but one file is replaced at once, so every publication is a partition of its own that nobody
    sees until one insert names them all: the views of the database `target.schema` show the newest named one.

    held: store ids whose last published facts stay. publication: its name, sorts as time.
#}
{% macro publish_on_spark(publication, run_id, held) -%}
    {%- set store = target.schema ~ '_published' -%}
    {%- do run_query('create schema if not exists ' ~ store) -%}
    {%- do run_query('create schema if not exists ' ~ target.schema) -%}
    {%- do run_query(
        'create table if not exists ' ~ store ~ '.publication (publication string, published_at timestamp, run_id string,'
        ~ ' table_name string, layout string) using parquet') -%}
    {%- set views = spark_names('show views in ' ~ target.schema, 'viewName') -%}
    {%- set published = [] -%}
    {%- for schema in ('core', 'kpi', 'audit') -%}
        {%- for name in spark_names('show tables in ' ~ target.schema ~ '_' ~ schema, 'tableName') -%}
            {%- set built = api.Relation.create(schema=target.schema ~ '_' ~ schema, identifier=name) -%}
            {%- set columns = adapter.get_columns_in_relation(built) -%}
            {%- set types = [] -%}
            {%- for column in columns -%}{%- do types.append(column.name ~ ' ' ~ column.dtype) -%}{%- endfor -%}
            {%- set layout = name ~ '_' ~ local_md5(types | join(','))[:8] -%}
            {%- set holds = held and schema == 'core' and name.startswith('fct_')
                and 'store_id' in columns | map(attribute='name') | list -%}
            {%- do run_query('create table if not exists ' ~ store ~ '.' ~ layout ~ ' (' ~ types | join(', ')
                ~ ', publication string) using parquet partitioned by (publication)') -%}
            {%- do run_query('insert into ' ~ store ~ '.' ~ layout ~ " partition (publication = '" ~ publication ~ "') "
                ~ accepted_rows(built, columns, held if holds else [], name in views)) -%}
            {%- do published.append({'name': name, 'layout': layout}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set rows = [] -%}
    {%- for table in published -%}
        {%- do rows.append("('" ~ publication ~ "', current_timestamp(), '" ~ run_id ~ "', '" ~ table.name ~ "', '"
            ~ table.layout ~ "')") -%}
    {%- endfor -%}
    {# From here on readers see it: one insert of one file. #}
    {%- do run_query('insert into ' ~ store ~ '.publication select /*+ coalesce(1) */ * from values '
        ~ rows | join(', ')) -%}
    {%- for table in published -%}
        {%- do run_query(published_view(store, table)) -%}
    {%- endfor -%}
    {%- do run_query('create or replace view ' ~ target.schema ~ '.publication as select distinct published_at, run_id'
        ~ ' from ' ~ store ~ '.publication') -%}
    {%- for view in views if view != 'publication' and view not in published | map(attribute='name') | list -%}
        {%- do run_query('drop view ' ~ target.schema ~ '.' ~ view) -%}
    {%- endfor -%}
    {%- do forget_publications(store) -%}
{%- endmacro %}

{% macro accepted_rows(built, columns, held, was_published) -%}
    {%- set names = columns | map(attribute='name') | list -%}
    {%- set stores = "('" ~ held | join("', '") ~ "')" -%}
    select {{ names | join(', ') }} from {{ built }}
    {%- if held %} where store_id is null or store_id not in {{ stores }}{% endif %}
    {%- if held and was_published -%}
        {%- set last = api.Relation.create(schema=target.schema, identifier=built.identifier) -%}
        {%- set known = adapter.get_columns_in_relation(last) | map(attribute='name') | list %}
        union all
        select {% for name in names %}{{ 'null as ' if name not in known }}{{ name }}{{ ', ' if not loop.last }}{% endfor %}
        from {{ last }} where store_id in {{ stores }}
    {%- endif -%}
{%- endmacro %}

{% macro published_view(store, table) -%}
    {%- set columns = adapter.get_columns_in_relation(api.Relation.create(schema=store, identifier=table.layout)) -%}
    create or replace view {{ target.schema }}.{{ table.name }} as
    select {{ columns | map(attribute='name') | reject('equalto', 'publication') | join(', ') }}
    from {{ store }}.{{ table.layout }}
    where publication = (select max(publication) from {{ store }}.publication where layout = '{{ table.layout }}')
{%- endmacro %}

{# Readers may still be in the publication before: the last two stay, older ones and what a crash left behind go. #}
{% macro forget_publications(store) -%}
    {%- set kept = run_query('select distinct publication from ' ~ store
        ~ '.publication order by publication desc limit 2').columns[0].values() | list -%}
    {%- for layout in spark_names('show tables in ' ~ store, 'tableName') if layout != 'publication' -%}
        {%- for row in run_query('show partitions ' ~ store ~ '.' ~ layout).rows -%}
            {%- set publication = row[0].split('=')[1] -%}
            {%- if publication not in kept -%}
                {%- do run_query('alter table ' ~ store ~ '.' ~ layout ~ " drop if exists partition (publication = '"
                    ~ publication ~ "')") -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{# One column of a `show` statement, without temporary views. #}
{% macro spark_names(statement, column) -%}
    {%- set names = [] -%}
    {%- for row in run_query(statement).rows if not row['isTemporary'] -%}
        {%- do names.append(row[column]) -%}
    {%- endfor -%}
    {{- return(names) -}}
{%- endmacro %}
