-- Amazon's ledger counted once: a release replaces the deferred transaction and keeps its posting day.
with

leaves as (
    select * from {{ ref('stg_amazon__transactions') }}
),

released as (
    select distinct
        source_id,
        transaction_id,
        deferred_transaction_id as replaced_id
    from leaves
    where deferred_transaction_id is not null
    union
    select distinct
        deferred.source_id,
        deferred.release_transaction_id as transaction_id,
        deferred.transaction_id as replaced_id
    from leaves as deferred
    inner join leaves as release
        on deferred.source_id = release.source_id and deferred.release_transaction_id = release.transaction_id
),

first_posted as (
    select
        released.source_id,
        released.transaction_id,
        min(leaves.posted_at) as posted_at
    from released
    inner join leaves on released.source_id = leaves.source_id and released.replaced_id = leaves.transaction_id
    group by released.source_id, released.transaction_id
),

final as (
    select
        leaves.source_id,
        leaves.transaction_id,
        leaves.entry_no,
        leaves.transaction_type,
        leaves.transaction_status,
        leaves.description,
        leaves.order_id,
        leaves.refund_id,
        leaves.deferred_transaction_id,
        leaves.release_transaction_id,
        leaves.marketplace_id,
        leaves.item_no,
        leaves.sku,
        leaves.asin,
        leaves.quantity,
        leaves.breakdown_path,
        leaves.breakdown_type,
        leaves.amount,
        leaves.currency,
        leaves.load_id,
        coalesce(first_posted.posted_at, leaves.posted_at) as posted_at
    from leaves
    left join first_posted
        on leaves.source_id = first_posted.source_id and leaves.transaction_id = first_posted.transaction_id
    where not exists (
        select 1 from released
        where released.source_id = leaves.source_id and released.replaced_id = leaves.transaction_id
    )
)

select * from final
