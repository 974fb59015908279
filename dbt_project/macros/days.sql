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
