-- Store-days that unread loads speak about, in what they bring and in what it replaces.
with

unread as (
    select source_id, load_id from {{ ref('stg_landing__unread_load') }}
),

feeds as (
    select
        sources.source_id,
        sources.resource,
        sources.store_id,
        sources.fact,
        stores.timezone
    from {{ ref('int_store_source') }} as sources
    inner join {{ ref('int_store') }} as stores on sources.store_id = stores.store_id
),

-- Loads whose files have come again under their names with other content.
replaced as (
    select
        older.source_id,
        older.load_id
    from {{ ref('stg_landing__meta_file') }} as older
    inner join {{ ref('stg_landing__meta_file') }} as newer
        on
            older.source_id = newer.source_id
            and older.file_name = newer.file_name
            and older.load_id < newer.load_id
    inner join unread on newer.source_id = unread.source_id and newer.load_id = unread.load_id
),

covered as (
    select
        feeds.store_id,
        coverage.day as date,
        feeds.fact
    from {{ ref('stg_landing__meta_coverage') }} as coverage
    inner join feeds on coverage.source_id = feeds.source_id and coverage.resource = feeds.resource
    where
        exists (
            select 1 from unread
            where coverage.source_id = unread.source_id and coverage.load_id = unread.load_id
        )
        or exists (
            select 1 from replaced
            where coverage.source_id = replaced.source_id and coverage.load_id = replaced.load_id
        )
),

-- Every version of an order has one creation, so the day is the same before and after.
orders as (
    select
        feeds.store_id,
        {{ local_date('orders.created_at', 'feeds.timezone') }} as date,
        feeds.fact
    from {{ ref('stg_amazon__orders') }} as orders
    inner join unread on orders.source_id = unread.source_id and orders.load_id = unread.load_id
    inner join feeds on orders.source_id = feeds.source_id and feeds.resource = 'orders'
),

snapshots as (
    select
        feeds.store_id,
        {{ local_date('stock.snapshot_at', 'feeds.timezone') }} as date,
        feeds.fact
    from {{ ref('stg_amazon__fba_inventory') }} as stock
    inner join unread on stock.source_id = unread.source_id and stock.load_id = unread.load_id
    inner join feeds on stock.source_id = feeds.source_id and feeds.resource = 'fba_inventory'
),

leaves as (
    select * from {{ ref('stg_amazon__transactions') }}
),

fresh_leaves as (
    select leaves.*
    from leaves
    inner join unread on leaves.source_id = unread.source_id and leaves.load_id = unread.load_id
),

-- A transaction and what releases it or is released by it decide together on which day it counts.
partners as (
    select source_id, transaction_id from fresh_leaves
    union
    select source_id, deferred_transaction_id as transaction_id from fresh_leaves
    union
    select source_id, release_transaction_id as transaction_id from fresh_leaves
    union
    select leaves.source_id, leaves.transaction_id
    from leaves
    inner join fresh_leaves
        on
            leaves.source_id = fresh_leaves.source_id
            and (
                leaves.deferred_transaction_id = fresh_leaves.transaction_id
                or leaves.release_transaction_id = fresh_leaves.transaction_id
            )
),

postings as (
    select
        feeds.store_id,
        {{ local_date('leaves.posted_at', 'feeds.timezone') }} as date,
        feeds.fact
    from leaves
    inner join partners
        on leaves.source_id = partners.source_id and leaves.transaction_id = partners.transaction_id
    inner join feeds on leaves.source_id = feeds.source_id and feeds.resource = 'transactions'
),

-- The ledger says whether an order is booked, and whether for good.
booked as (
    select
        feeds.store_id,
        fresh_leaves.order_id
    from fresh_leaves
    inner join feeds
        on fresh_leaves.source_id = feeds.source_id and feeds.fact = 'ledger_entry'
    union
    select
        feeds.store_id,
        entries.order_id
    from {{ ref('stg_files__ledger_entry') }} as entries
    inner join unread on entries.source_id = unread.source_id and entries.load_id = unread.load_id
    inner join feeds on entries.source_id = feeds.source_id and feeds.fact = 'ledger_entry'
),

booked_orders as (
    select
        lines.store_id,
        lines.date,
        'order_line' as fact
    from {{ ref('int_order_line') }} as lines
    inner join booked on lines.store_id = booked.store_id and lines.order_id = booked.order_id
),

-- An order whose entry a replaced ledger file no longer names may be anywhere.
unbooked_orders as (
    select
        every.store_id,
        every.date,
        every.fact
    from {{ ref('int_every_store_day') }} as every
    where
        every.fact = 'order_line'
        and every.store_id in (
            select feeds.store_id
            from feeds
            inner join replaced on feeds.source_id = replaced.source_id
            where feeds.fact = 'ledger_entry'
        )
),

stated as (
    select * from covered
    union
    select * from orders
    union
    select * from snapshots
),

facts as (
    select * from stated
    union
    select * from postings
    union
    select * from booked_orders
    union
    select * from unbooked_orders
),

-- Stock reaches forward: demand looks back over days in stock, so every later day may change with sales or a snapshot.
stock_from as (
    select
        store_id,
        min(date) as first_day
    from stated
    where fact in ('order_line', 'inventory_daily')
    group by store_id
),

final as (
    select store_id, date, fact from facts
    where date is not null
    union
    select
        every.store_id,
        every.date,
        every.fact
    from {{ ref('int_every_store_day') }} as every
    inner join stock_from on every.store_id = stock_from.store_id and every.date >= stock_from.first_day
    where every.fact = 'inventory_daily'
)

select * from final
