{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ leave_touched_by(['store_id', 'date'], 'kpi_touched_day') }}",
) }}

-- One row per configured store and local day since it opened, one column per metric.
with

days as (

    select *
    from {{ ref('kpi_component_daily') }}
    where dim = 'none' and {{ is_touched_by(['store_id', 'date'], 'kpi_touched_day') }}

),

final as (

    select
        days.date,
        days.store_id,
        stores.platform,
        stores.region,
        stores.reporting_currency as currency,
        {{ metric_status(kpi_facts()) }} as status,
        {% for metric in public_metrics() %}
        {% set unit, parts = metric.config.meta.unit, metric.type_params %}
        {% set expression = metric_expression(metric.name) %}
        {% if unit == 'currency' and parts.numerator %}
        {% set expression = money_ratio(metric_expression(parts.numerator.name), metric_expression(parts.denominator.name)) %}
        {% endif %}
        cast(
            {{ metric_value(metric, expression) }}
            as {{ 'double' if unit not in ('currency', 'count') or metric.name == 'demand_30d' else ('decimal(18, 4)' if unit == 'currency' else 'bigint') }}
        ) as {{ metric.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from days
    inner join {{ ref('dim_store') }} as stores on days.store_id = stores.store_id

)

select * from final
