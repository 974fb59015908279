{# The store-local day of a moment in UTC. #}
{% macro local_date(moment, zone) -%}
    {{- adapter.dispatch('local_date', 'crossborder_kpi')(moment, zone) -}}
{%- endmacro %}

{% macro duckdb__local_date(moment, zone) -%}
    cast(timezone({{ zone }}, {{ moment }}) as date)
{%- endmacro %}

{% macro spark__local_date(moment, zone) -%}
    cast(from_utc_timestamp({{ moment }}, {{ zone }}) as date)
{%- endmacro %}

{# Every day from `first` to `last`, both included, as an array to unnest. #}
{% macro days_between(first, last) -%}
    {{- adapter.dispatch('days_between', 'crossborder_kpi')(first, last) -}}
{%- endmacro %}

{% macro duckdb__days_between(first, last) -%}
    generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day)
{%- endmacro %}

{% macro spark__days_between(first, last) -%}
    sequence({{ first }}, {{ last }}, interval 1 day)
{%- endmacro %}
