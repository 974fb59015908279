{{ config(schema='state') }}

-- Every configured store and local day since it opened, to the day before as-of or the newest accepted fact.
{% set facts = kpi_facts() %}

with

held as (

    select store_id from {{ ref('kpi_held_store') }}

),

accepted_days as (

{% for fact in facts %}
    select
        store_id,
        '{{ fact }}' as fact,
        max(date) as newest_day
    from {{ accepted(fact) }} as accepted_rows
    group by store_id
    {% if not loop.last %}union all{% endif %}

{% endfor %}
),

-- What a held store's sources said since its last publication is not accepted: its later days stay unknown, not zero.
covered_days as (

    select
        coverage.store_id,
        max(coverage.date) as newest_day
    from {{ ref('int_coverage') }} as coverage
    where coverage.store_id not in (select store_id from held)
    group by coverage.store_id

),

newest as (

    select
        store_id,
        max(newest_day) as newest_day
    from (
        select store_id, newest_day from accepted_days
        union all
        select store_id, newest_day from covered_days
    ) as days
    group by store_id

),

orders_until as (

    select
        store_id,
        newest_day as orders_until
    from accepted_days
    where fact = 'fct_order_line'

),

bounds as (

    select
        stores.store_id,
        held.store_id is not null as is_held,
        orders_until.orders_until,
        stores.opened_on as first_day,
        greatest(stores.as_of_day - 1, coalesce(newest.newest_day, stores.as_of_day - 1)) as last_day
    from {{ ref('dim_store') }} as stores
    left join held on stores.store_id = held.store_id
    left join newest on stores.store_id = newest.store_id
    left join orders_until on stores.store_id = orders_until.store_id
    where newest.newest_day is not null or held.store_id is null

),

final as (

    select
        bounds.store_id,
        bounds.is_held,
        bounds.orders_until,
        days.date
    from bounds
    cross join lateral {{ each_day('bounds.first_day', 'bounds.last_day') }} as days

)

select * from final
