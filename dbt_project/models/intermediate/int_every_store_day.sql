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

days as (
    select
        store_id,
        cast(unnest({{ days_between("cast('2000-01-01' as date)", 'max(as_of_day) + 400') }}) as date) as date
    from stores
    group by store_id
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
