{# The one place that says what Spark does with incremental models: it builds them whole, as tables. Parquet without a
   table format has no delete, and overwriting partitions leaves that of a store-day which became empty. #}
{% materialization incremental, adapter='spark' %}
    {{- return(materialization_table_spark()) -}}
{% endmaterialization %}

{% macro is_incremental() -%}
    {{- return(target.type != 'spark' and dbt.is_incremental()) -}}
{%- endmacro %}

{# Nothing of an earlier build is asked, so everything is touched and every load unread. #}
{% macro spark__built(schema, name) -%}
    {{- return(none) -}}
{%- endmacro %}

{% macro spark__nothing_is_pending() -%}
{%- endmacro %}

{# A Parquet table takes no NOT NULL: what a contract demands is looked for once the table is there. #}
{% macro spark__persist_constraints(relation, model) -%}
    {%- set demanded = [] -%}
    {%- for column in model.columns.values() if config.get('contract').enforced -%}
        {%- for constraint in column.constraints if constraint.type == 'not_null' -%}
            {%- do demanded.append(column.name ~ ' is null') -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if demanded -%}
        {%- set found = run_query('select count(*) from ' ~ relation ~ ' where ' ~ demanded | join(' or ')) -%}
        {%- if found.columns[0].values()[0] > 0 -%}
            {%- do exceptions.raise_compiler_error(
                relation ~ ': ' ~ found.columns[0].values()[0] ~ ' rows break its contract: ' ~ demanded | join(' or ')) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
