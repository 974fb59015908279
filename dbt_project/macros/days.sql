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

{# Every day from `first` to `last`, both included, as an array to unnest: DuckDB only, `each_day` is for both. #}
{% macro days_between(first, last) -%}
    generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day)
{%- endmacro %}

{# Rows to `cross join lateral`: one `date` for every day from `first` to `last`, both included; none where one is NULL
   or they are the wrong way round. #}
{% macro each_day(first, last) -%}
    {{- adapter.dispatch('each_day', 'crossborder_kpi')(first, last) -}}
{%- endmacro %}

{% macro duckdb__each_day(first, last) -%}
    (select cast(unnest({{ days_between(first, last) }}) as date) as date)
{%- endmacro %}

{% macro spark__each_day(first, last) -%}
    (select explode(case when {{ first }} <= {{ last }} then sequence({{ first }}, {{ last }}, interval 1 day) end) as date)
{%- endmacro %}

{# The day of the week as an integer: 1 is Monday, 7 is Sunday. #}
{% macro weekday(day) -%}
    {{- adapter.dispatch('weekday', 'crossborder_kpi')(day) -}}
{%- endmacro %}

{% macro duckdb__weekday(day) -%}
    cast(isodow({{ day }}) as integer)
{%- endmacro %}

{% macro spark__weekday(day) -%}
    (weekday({{ day }}) + 1)
{%- endmacro %}
