{{ config(alias='reconciliation') }}

-- Each control says two numbers that must agree, per store and month; its name states what a difference does.
with

rows_in as (
    select
        'fail_rows_in_are_landed_or_quarantined' as control,
        sources.store_id,
        cast(date_trunc('month', loads.finished_at) as date) as period_start,
        sum(loads.rows_in) as left_value,
        sum(loads.rows_landed + loads.rows_quarantined) as right_value
    from {{ ref('stg_landing__meta_load') }} as loads
    left join {{ ref('stg_reference__company_source') }} as sources on loads.source_id = sources.source_id
    group by all
),

-- Straight from the landed rows, not through the models that the facts are made of.
landed_sales as (
    select
        sources.store_id,
        cast(date_trunc('month', lines.business_date) as date) as period_start,
        count(*) as row_count,
        sum(case
            when lines.row_kind = 'sale' and coalesce(lower(lines.status), '') not in ('cancelled', 'canceled')
                then {{ money('lines.quantity * lines.unit_price') }} else 0
        end) as amount
    from {{ in_force('order_line') }} as lines
    inner join {{ ref('stg_reference__company_source') }} as sources on lines.source_id = sources.source_id
    where lines.row_kind <> 'refund' and sources.store_id is not null
    group by all
    union all
    select
        sources.store_id,
        cast(date_trunc('month', {{ local_date('orders.created_at', 'stores.timezone') }}) as date) as period_start,
        count(*) as row_count,
        sum(case
            when
                upper(orders.status) in ('CANCELLED', 'CANCELED')
                or coalesce(items.is_cancelled, false)
                or coalesce(orders.is_replacement, false) then 0
            else {{ money('coalesce(items.item_price, items.unit_price * items.quantity_ordered)') }}
        end) as amount
    from {{ ref('stg_amazon__order_items') }} as items
    inner join {{ ref('stg_amazon__orders') }} as orders
        on items.source_id = orders.source_id and items.order_id = orders.order_id
    inner join {{ ref('stg_reference__company_source') }} as sources on items.source_id = sources.source_id
    inner join {{ ref('int_store') }} as stores on sources.store_id = stores.store_id
    group by all
),

landed_months as (
    select
        store_id,
        period_start,
        sum(row_count) as row_count,
        coalesce(sum(amount), 0) as amount
    from landed_sales
    group by store_id, period_start
),

fact_months as (
    select
        store_id,
        cast(date_trunc('month', date) as date) as period_start,
        count(*) filter (where line_id is not null) as row_count,
        count(distinct order_line_key) as key_count,
        count(*) as all_count,
        coalesce(sum(gmv_native), 0) as amount,
        count(*) filter (where gmv_native is not null and gmv is null) as without_rate,
        count(*) filter (where is_live and cogs_native is null) as without_cost
    from {{ ref('fct_order_line') }}
    group by all
),

sales_controls as (
    select
        'fail_order_line_count' as control,
        store_id,
        period_start,
        coalesce(landed_months.row_count, 0) as left_value,
        coalesce(fact_months.row_count, 0) as right_value
    from landed_months
    full join fact_months using (store_id, period_start)
    union all
    select
        'fail_order_line_amount' as control,
        store_id,
        period_start,
        coalesce(landed_months.amount, 0) as left_value,
        coalesce(fact_months.amount, 0) as right_value
    from landed_months
    full join fact_months using (store_id, period_start)
    union all
    select
        'fail_order_line_keys_distinct' as control,
        store_id,
        period_start,
        all_count as left_value,
        key_count as right_value
    from fact_months
    union all
    select
        'warn_rate_present_order_line' as control,
        store_id,
        period_start,
        without_rate as left_value,
        0 as right_value
    from fact_months
    union all
    select
        'warn_cost_known' as control,
        store_id,
        period_start,
        without_cost as left_value,
        0 as right_value
    from fact_months
),

refund_controls as (
    select
        'fail_refund_keys_distinct' as control,
        store_id,
        cast(date_trunc('month', date) as date) as period_start,
        count(*) as left_value,
        count(distinct refund_key) as right_value
    from {{ ref('fct_refund') }}
    group by all
    union all
    select
        'warn_rate_present_refund' as control,
        store_id,
        cast(date_trunc('month', date) as date) as period_start,
        count(*) filter (where refunds_native is not null and refunds is null) as left_value,
        0 as right_value
    from {{ ref('fct_refund') }}
    group by all
),

ledger_controls as (
    select
        'fail_ledger_entry_keys_distinct' as control,
        store_id,
        cast(date_trunc('month', date) as date) as period_start,
        count(*) as left_value,
        count(distinct entry_key) as right_value
    from {{ ref('fct_ledger_entry') }}
    group by all
    union all
    select
        'warn_ledger_breakdown_known' as control,
        store_id,
        cast(date_trunc('month', date) as date) as period_start,
        count(*) filter (where is_unknown) as left_value,
        0 as right_value
    from {{ ref('fct_ledger_entry') }}
    group by all
),

ad_controls as (
    select
        'fail_ad_daily_keys_distinct' as control,
        store_id,
        cast(date_trunc('month', date) as date) as period_start,
        count(*) as left_value,
        count(distinct ad_daily_key) as right_value
    from {{ ref('fct_ad_daily') }}
    group by all
    union all
    select
        'warn_rate_present_ad_daily' as control,
        store_id,
        cast(date_trunc('month', date) as date) as period_start,
        count(*) filter (where ad_spend_native is not null and ad_spend is null) as left_value,
        0 as right_value
    from {{ ref('fct_ad_daily') }}
    group by all
),

gap_controls as (
    select
        'warn_missing_day_' || fact as control,
        store_id,
        cast(date_trunc('month', date) as date) as period_start,
        count(*) as left_value,
        0 as right_value
    from {{ ref('audit_coverage_gap') }}
    group by all
),

controls as (
    select * from rows_in
    union all
    select * from sales_controls
    union all
    select * from refund_controls
    union all
    select * from ledger_controls
    union all
    select * from ad_controls
    union all
    select * from gap_controls
),

measured as (
    select
        control,
        store_id,
        period_start,
        cast(left_value as decimal(28, 4)) as left_value,
        cast(right_value as decimal(28, 4)) as right_value,
        cast(left_value - right_value as decimal(28, 4)) as difference,
        cast(case when control like '%_amount' then 0.01 else 0 end as decimal(28, 4)) as tolerance
    from controls
),

final as (
    select
        *,
        cast(null as decimal(28, 4)) as explained,
        cast(null as string) as reason,
        case
            when abs(difference) <= tolerance then 'pass'
            when control like 'fail%' then 'fail'
            else 'warn'
        end as verdict
    from measured
)

select * from final
