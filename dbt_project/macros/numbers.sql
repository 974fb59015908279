{# Money is rounded half up (away from zero) once, to 4 places: what DuckDB's and Spark's decimal casts both do. #}
{% macro money(amount) -%}
    {{- adapter.dispatch('money', 'crossborder_kpi')(amount) -}}
{%- endmacro %}

{% macro default__money(amount) -%}
    cast({{ amount }} as decimal(18, 4))
{%- endmacro %}

{# DuckDB narrows a decimal of more than 18 digits bit by bit, in microseconds; one of 18 digits costs nothing. #}
{% macro duckdb__money(amount) -%}
    coalesce(
        cast(try_cast({{ amount }} as decimal(18, 9)) as decimal(18, 4)), cast({{ amount }} as decimal(18, 4))
    )
{%- endmacro %}

{# `amount` in the reporting currency: itself where the currencies are one, NULL where the day has no rate. #}
{% macro converted(amount, currency, reporting, rate) -%}
    cast(case
        when {{ amount }} = 0 then 0
        when {{ currency }} = {{ reporting }} then {{ money(amount) }}
        else {{ adapter.dispatch('money_at_rate', 'crossborder_kpi')(amount, rate) }}
    end as decimal(18, 4))
{%- endmacro %}

{% macro default__money_at_rate(amount, rate) -%}
    cast(cast({{ amount }} as decimal(20, 9)) * {{ rate }} as decimal(18, 4))
{%- endmacro %}

{# An amount of whole 1/10000 times a rate is exact in DuckDB's DECIMAL(18, 14), which holds less than 10 000. #}
{% macro duckdb__money_at_rate(amount, rate) -%}
    case
        when
            {{ money(amount) }} = {{ amount }}
            and abs(cast({{ amount }} as double) * cast({{ rate }} as double)) < 9999
            then cast({{ money(amount) }} * {{ rate }} as decimal(18, 4))
        else {{ crossborder_kpi.default__money_at_rate(amount, rate) }}
    end
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

{# An amount divided by a count, as money: half up (away from zero), though a double may lie a hair below the half. #}
{% macro money_ratio(amount, count) -%}
    cast(
        case when {{ amount }} < 0 then -1 else 1 end
        * {{ exact_ratio('abs(' ~ amount ~ ') * 10000', '(' ~ count ~ ') * 10000', 4) }}
        as decimal(18, 4)
    )
{%- endmacro %}
