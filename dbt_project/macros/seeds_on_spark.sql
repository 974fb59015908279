{# dbt-spark puts text between quotes as it is, so a quote inside ends it. #}
{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = model.config.column_types -%}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows -%}
        {%- set values = [] -%}
        {%- for name in agate_table.column_names -%}
            {%- set text = row[name] | string | replace('\\', '\\\\') | replace("'", "\\'") -%}
            {%- set type = type_name(types[name]) if name in types
                else adapter.convert_type(agate_table, loop.index0) -%}
            {%- do values.append('cast(' ~ ('null' if row[name] is none else "'" ~ text ~ "'") ~ ' as ' ~ type ~ ')') -%}
        {%- endfor -%}
        {%- do rows.append('(' ~ values | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- set statement -%}
        insert into {{ this }} select * from values {{ rows | join(', ') }}
    {%- endset -%}
    {%- if rows -%}{%- do adapter.add_query(statement, abridge_sql_log=True) -%}{%- endif -%}
    {{- return(statement) -}}
{%- endmacro %}
