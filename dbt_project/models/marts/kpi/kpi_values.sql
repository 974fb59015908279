{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ leave_touched_by(['grain', 'period_start'], 'kpi_touched_period') }}",
) }}

-- Every metric per grain, period and scope, from the definitions in models/semantic.
with

periods as (

    select *
    from {{ ref('kpi_component_period') }}
    where cut is null and {{ is_touched_by(['grain', 'period_start'], 'kpi_touched_period') }}

),

reporting as (

    select max(reporting_currency) as currency from {{ ref('dim_store') }}

),

metric_rows as (

    {{ metric_rows('periods', ['grain', 'period_start', 'scope_type', 'scope_id', 'as_of_day']) }}

),

final as (

    select
        metric_rows.metric,
        metric_rows.grain,
        metric_rows.period_start,
        metric_rows.scope_type,
        metric_rows.scope_id,
        metric_rows.value,
        metric_rows.numerator,
        metric_rows.denominator,
        reporting.currency,
        metric_rows.status,
        metric_rows.as_of_day as as_of,
        metric_rows.definition_version
    from metric_rows
    cross join reporting

)

select * from final
