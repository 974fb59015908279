{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ leave_touched_by(['grain', 'period_start'], 'kpi_touched_period') }}",
) }}

-- Every metric per declared set of dimensions.
with

periods as (

    select *
    from {{ ref('kpi_component_period') }}
    where cut is not null and {{ is_touched_by(['grain', 'period_start'], 'kpi_touched_period') }}

),

metric_rows as (

    {{ metric_rows('periods', ['grain', 'period_start', 'cut', 'region', 'store_id', 'scope_type', 'scope_id']) }}

),

final as (

    select
        metric_rows.metric,
        metric_rows.grain,
        metric_rows.period_start,
        metric_rows.cut,
        metric_rows.region,
        stores.platform,
        metric_rows.store_id,
        case when metric_rows.scope_type = 'category' then metric_rows.scope_id end as category,
        case when metric_rows.scope_type = 'channel' then metric_rows.scope_id end as channel,
        cast(null as string) as product_id,
        cast(null as string) as campaign_id,
        metric_rows.value,
        metric_rows.numerator,
        metric_rows.denominator,
        metric_rows.status
    from metric_rows
    left join {{ ref('dim_store') }} as stores on metric_rows.store_id = stores.store_id

)

select * from final
