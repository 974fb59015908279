{# Money is rounded half up (away from zero) once, to 4 places: what DuckDB's and Spark's decimal casts both do. #}
{% macro money(amount) -%}
    cast({{ amount }} as decimal(18, 4))
{%- endmacro %}

{# `amount` in the reporting currency: itself where the currencies are one, NULL where the day has no rate. #}
{% macro converted(amount, currency, reporting, rate) -%}
    cast(case
        when {{ amount }} = 0 then 0
        when {{ currency }} = {{ reporting }} then {{ amount }}
        else cast({{ amount }} as decimal(20, 9)) * {{ rate }}
    end as decimal(18, 4))
{%- endmacro %}

{# numerator / denominator to `places`, half up, in whole numbers: `/` would go through a double. Both not negative. #}
{% macro exact_ratio(numerator, denominator, places) -%}
    {{- adapter.dispatch('exact_ratio', 'crossborder_kpi')(numerator, denominator, places) -}}
{%- endmacro %}

{% macro duckdb__exact_ratio(numerator, denominator, places) -%}
    cast(
        cast(
            (cast({{ numerator }} as hugeint) * 2 * 1{{ '0' * places }} + cast({{ denominator }} as hugeint))
            // nullif(2 * cast({{ denominator }} as hugeint), 0)
            as decimal(28, 0)
        ) * cast(0.{{ '0' * (places - 1) }}1 as decimal({{ places }}, {{ places }}))
        as decimal(18, {{ places }})
    )
{%- endmacro %}

{# `div` gives a bigint: a result of decimal(18, places) always fits in one. #}
{% macro spark__exact_ratio(numerator, denominator, places) -%}
    cast(
        cast(
            (cast({{ numerator }} as decimal(38, 0)) * 2 * 1{{ '0' * places }} + cast({{ denominator }} as decimal(38, 0)))
            div nullif(2 * cast({{ denominator }} as decimal(38, 0)), 0)
            as decimal(28, 0)
        ) * cast(0.{{ '0' * (places - 1) }}1 as decimal({{ places }}, {{ places }}))
        as decimal(18, {{ places }})
    )
{%- endmacro %}
