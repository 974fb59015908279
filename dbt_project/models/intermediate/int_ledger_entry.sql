-- Every ledger's entries in one shape: cost components positive as cost, income components positive as income.
with

amazon_entries as (
    select
        ledger.source_id || '|' || ledger.transaction_id || '|' || ledger.entry_no as entry_key,
        sources.store_id,
        {{ local_date('ledger.posted_at', 'stores.timezone') }} as date,
        ledger.posted_at,
        ledger.source_id,
        ledger.order_id,
        ledger.sku,
        ledger.transaction_type,
        ledger.transaction_status,
        ledger.description,
        ledger.breakdown_path,
        case
            when known.component is not null then known.component
            when ledger.breakdown_path = '' or ledger.amount >= 0 then 'none'
            else 'other_fees'
        end as component,
        cast(
            ledger.amount * coalesce(
                known.sign, case when ledger.breakdown_path = '' or ledger.amount >= 0 then 1 else -1 end
            ) as decimal(28, 9)
        ) as amount,
        ledger.currency,
        known.component is null and ledger.breakdown_path <> '' as is_unknown,
        upper(ledger.transaction_status) = 'RELEASED' as settled
    from {{ ref('int_transaction') }} as ledger
    inner join {{ ref('int_store_source') }} as sources
        on ledger.source_id = sources.source_id and sources.fact = 'ledger_entry'
    inner join {{ ref('int_store') }} as stores on sources.store_id = stores.store_id
    left join {{ ref('amazon_breakdown_component') }} as known on ledger.breakdown_type = known.breakdown_type
),

file_entries as (
    select
        entries.source_id || '|' || entries.file_hash || '|' || entries.row_number as entry_key,
        sources.store_id,
        entries.business_date as date,
        entries.occurred_at as posted_at,
        entries.source_id,
        entries.order_id,
        entries.sku,
        cast(null as string) as transaction_type,
        cast(null as string) as transaction_status,
        cast(null as string) as description,
        entries.component as breakdown_path,
        entries.component,
        cast(entries.amount as decimal(28, 9)) as amount,
        entries.currency,
        false as is_unknown,
        true as settled
    from {{ in_force('ledger_entry') }} as entries
    inner join {{ ref('int_store_source') }} as sources
        on entries.source_id = sources.source_id and sources.fact = 'ledger_entry'
),

final as (
    select * from amazon_entries
    union all
    select * from file_entries
)

select * from final
