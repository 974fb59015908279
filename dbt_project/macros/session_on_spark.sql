{#
    A build over the network gets whatever session the server gives it; with other settings than these it would end well and
    be wrong: rates lose digits, days shift. The project's own profile sets them, docs/scaling.md says how others do.
#}
{% macro check_session() -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {{- adapter.dispatch('check_session', 'crossborder_kpi')() -}}
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__check_session() -%}
{%- endmacro %}

{% macro spark__check_session() -%}
    {%- set wanted = {
        'spark.sql.session.timeZone': ['UTC', 'Etc/UTC'],
        'spark.sql.decimalOperations.allowPrecisionLoss': ['false'],
        'spark.sql.parquet.outputTimestampType': ['TIMESTAMP_MICROS'],
    } -%}
    {%- for name, values in wanted.items() -%}
        {%- set found = run_query('set ' ~ name).rows[0][1] -%}
        {%- if found not in values -%}
            {{- exceptions.raise_compiler_error(
                "Spark's session has " ~ name ~ ' = ' ~ found ~ ' and must have ' ~ values[0] ~ ': set it in the server\'s '
                ~ 'spark-defaults.conf, or in server_side_parameters of profiles.yml, over Thrift as "set:hiveconf:' ~ name ~ '"'
            ) -}}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
