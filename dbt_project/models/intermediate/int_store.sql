{{ config(materialized='table') }}

with

stores as (
    select * from {{ ref('stg_reference__company_store') }}
),

settings as (
    select max(value) as reporting_currency
    from {{ ref('stg_reference__company_setting') }}
    where key = 'reporting_currency'
),

context as (
    select * from {{ ref('int_run_context') }}
),

final as (
    select
        stores.store_id,
        stores.platform,
        stores.region,
        stores.currency,
        stores.timezone,
        stores.opened_on,
        stores.stage,
        stores.org_unit,
        settings.reporting_currency,
        coalesce(
            context.as_of, {{ local_date('context.started_at', 'stores.timezone') }}
        ) as as_of_day
    from stores
    cross join settings
    cross join context
)

select * from final
