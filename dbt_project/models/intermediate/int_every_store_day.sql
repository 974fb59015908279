-- Every day on which a store may have a fact: what is touched when a store itself changes.
with

stores as (
    select store_id, as_of_day from {{ ref('int_store') }}
    {% set before = built('state', 'built_store') %}
    {% if before %}
    union
    select store_id, as_of_day from {{ before }}
    {% endif %}
),

bounds as (
    select
        store_id,
        cast('2000-01-01' as date) as first_day,
        max(as_of_day) + 400 as last_day
    from stores
    group by store_id
),

days as (
    select
        bounds.store_id,
        days.date
    from bounds
    cross join lateral {{ each_day('bounds.first_day', 'bounds.last_day') }} as days
),

facts (fact) as (
    values ('order_line'), ('refund'), ('ledger_entry'), ('ad_daily'), ('inventory_daily')
)

select
    days.store_id,
    days.date,
    facts.fact
from days
cross join facts
