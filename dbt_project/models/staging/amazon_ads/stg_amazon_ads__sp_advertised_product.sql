{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['source_id', 'load_id'],
    post_hook="{{ leave_superseded('sp_advertised_product', 'account_id', 'report_date') }}",
) }}

with

landed_rows as (
    select * from {{ landed('amazon_ads', 'sp_advertised_product') }} as lake_rows
),

-- Windowed: the newest load that covers an account-day replaces it whole, so a withdrawn row disappears here too.
final as (
    select landed_rows.*
    from landed_rows
    inner join {{ ref('stg_landing__newest_coverage') }} as newest
        on
            newest.resource = 'sp_advertised_product'
            and landed_rows.source_id = newest.source_id
            and landed_rows.account_id = newest.account
            and landed_rows.report_date = newest.day
            and landed_rows.load_id = newest.load_id
)

select * from final
