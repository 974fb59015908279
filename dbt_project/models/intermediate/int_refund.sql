-- The goods' money given back, net of the promotion taken back with it, without tax and shipping.
with

file_lines as (
    select
        lines.source_id || '|' || lines.file_hash || '|' || lines.row_number as refund_key,
        sources.store_id,
        lines.business_date as date,
        lines.source_id,
        lines.order_id,
        lines.sku,
        lines.category,
        lines.channel,
        abs(lines.quantity) as quantity,
        cast(abs(lines.quantity) * lines.unit_price - coalesce(lines.discount, 0) as decimal(28, 9)) as refunds,
        lines.currency,
        false as settled
    from {{ in_force('order_line') }} as lines
    inner join {{ ref('int_store_source') }} as sources
        on
            lines.source_id = sources.source_id
            and sources.fact = 'refund'
            and sources.resource = 'order_line'
    where lines.row_kind = 'refund'
),

file_refunds as (
    select
        refunds.source_id || '|' || refunds.file_hash || '|' || refunds.row_number as refund_key,
        sources.store_id,
        refunds.business_date as date,
        refunds.source_id,
        refunds.order_id,
        refunds.sku,
        cast(null as string) as category,
        cast(null as string) as channel,
        refunds.quantity,
        cast(refunds.amount as decimal(28, 9)) as refunds,
        refunds.currency,
        false as settled
    from {{ in_force('refund') }} as refunds
    inner join {{ ref('int_store_source') }} as sources
        on refunds.source_id = sources.source_id and sources.fact = 'refund' and sources.resource = 'refund'
),

amazon_refunds as (
    select
        ledger.source_id || '|' || ledger.transaction_id || '|' || coalesce(ledger.item_no, -1) as refund_key,
        sources.store_id,
        {{ local_date('min(ledger.posted_at)', 'max(stores.timezone)') }} as date,
        ledger.source_id,
        max(ledger.order_id) as order_id,
        max(ledger.sku) as sku,
        cast(null as string) as category,
        cast(null as string) as channel,
        max(coalesce(ledger.quantity, 0)) as quantity,
        cast(-sum(ledger.amount) as decimal(28, 9)) as refunds,
        max(ledger.currency) as currency,
        bool_and(upper(ledger.transaction_status) = 'RELEASED') as settled
    from {{ ref('int_transaction') }} as ledger
    inner join {{ ref('int_store_source') }} as sources
        on ledger.source_id = sources.source_id and sources.fact = 'refund'
    inner join {{ ref('int_store') }} as stores on sources.store_id = stores.store_id
    where
        ledger.transaction_type = 'Refund'
        and ledger.breakdown_type in ('OurPricePrincipal', 'Principal', 'OurPriceDiscount')
    group by ledger.source_id, ledger.transaction_id, ledger.item_no, sources.store_id
),

final as (
    select * from file_lines
    union all
    select * from file_refunds
    union all
    select * from amazon_refunds
)

select * from final
