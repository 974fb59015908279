with

landed_rows as (
    select * from {{ landed('amazon_ads', 'sp_advertised_product') }} as lake_rows
),

newest_load as (
    select
        source_id,
        account,
        day,
        max(load_id) as load_id
    from {{ ref('stg_landing__meta_coverage') }}
    where system = 'amazon_ads' and resource = 'sp_advertised_product'
    group by source_id, account, day
),

-- Windowed: the newest load that covers an account-day replaces it whole, so a withdrawn row disappears here too.
final as (
    select landed_rows.*
    from landed_rows
    inner join newest_load
        on
            landed_rows.source_id = newest_load.source_id
            and landed_rows.account_id = newest_load.account
            and landed_rows.report_date = newest_load.day
            and landed_rows.load_id = newest_load.load_id
)

select * from final
