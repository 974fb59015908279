{# The store-local day of a moment in UTC. #}
{% macro local_date(moment, zone) -%}
    {{- adapter.dispatch('local_date', 'crossborder_kpi')(moment, zone) -}}
{%- endmacro %}

{# DuckDB sets up a calendar per row for a zone from a column, once for a literal: the stores' zones are spelled out. #}
{% macro duckdb__local_date(moment, zone) -%}
    {%- set stores = none if zone.startswith("'") else built('intermediate', 'int_store') -%}
    {%- set zones = run_query('select distinct timezone from ' ~ stores ~ ' order by 1').columns[0] if stores else [] -%}
    {%- if zones -%}
    case {{ zone }}
        {%- for name in zones %}
        when '{{ name }}' then cast(timezone('{{ name }}', {{ moment }}) as date)
        {%- endfor %}
        else cast(timezone({{ zone }}, {{ moment }}) as date)
    end
    {%- else -%}
    cast(timezone({{ zone }}, {{ moment }}) as date)
    {%- endif -%}
{%- endmacro %}

{% macro spark__local_date(moment, zone) -%}
    cast(from_utc_timestamp({{ moment }}, {{ zone }}) as date)
{%- endmacro %}

{# Rows to `cross join lateral`: one `date` for every day from `first` to `last`, both included; none where one is NULL
   or they are the wrong way round. #}
{% macro each_day(first, last) -%}
    {{- adapter.dispatch('each_day', 'crossborder_kpi')(first, last) -}}
{%- endmacro %}

{% macro duckdb__each_day(first, last) -%}
    (
        select cast(unnest(
            generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day)
        ) as date) as date
    )
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
