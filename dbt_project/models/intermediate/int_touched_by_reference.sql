-- Store-days that changed costs, products, rates, stores or the clock touch, compared with what the last whole build
-- used.
{% set store_columns = [
    'store_id', 'platform', 'region', 'currency', 'timezone', 'opened_on', 'stage', 'org_unit', 'reporting_currency'
] %}
{% set before = built('state', 'built_store') %}
{% set facts = ['fct_order_line', 'fct_refund', 'fct_ledger_entry', 'fct_ad_daily', 'fct_inventory_daily'] %}

with

changed_store as (
    select store_id from {{ changed_rows(ref('int_store'), before, store_columns) }} as store_rows
    union
    select store_id from {{ changed_rows(
        ref('int_store_source'), built('state', 'built_store_source'), ['source_id', 'store_id', 'fact', 'resource']
    ) }} as source_rows
    {% if before %}
    union
    -- A clock that went back opens days again that were closed.
    select now.store_id
    from {{ ref('int_store') }} as now
    inner join {{ before }} as before on now.store_id = before.store_id
    where now.as_of_day < before.as_of_day
    {% endif %}
),

changed_cost as (
    select
        sku,
        valid_from,
        valid_until
    from {{ changed_rows(
        ref('int_product_cost'), built('state', 'built_product_cost'),
        ['sku', 'valid_from', 'valid_until', 'cost', 'first_leg', 'currency']
    ) }} as cost_rows
),

changed_product as (
    select sku
    from {{ changed_rows(
        ref('int_product'), built('state', 'built_product'), ['sku', 'product_id', 'category']
    ) }} as product_rows
),

changed_rate as (
    select date
    from {{ changed_rows(
        ref('int_fx_rate_daily'), built('state', 'built_fx_rate_daily'), ['date', 'base', 'quote', 'rate']
    ) }} as rate_rows
),

final as (
    select
        every.store_id,
        every.date,
        every.fact
    from {{ ref('int_every_store_day') }} as every
    where every.store_id in (select store_id from changed_store)
    union
    select
        every.store_id,
        every.date,
        every.fact
    from {{ ref('int_every_store_day') }} as every
    where
        every.date in (select date from changed_rate)
        and every.fact <> 'inventory_daily'
    {% for fact in facts %}
    {% set relation = built('core', fact) %}
    {% if relation %}
    union
    select
        store_id,
        date,
        '{{ fact[4:] }}' as fact
    from {{ relation }}
    where sku in (select sku from changed_product)
    {% endif %}
    {% endfor %}
    {% set relation = built('core', 'fct_order_line') %}
    {% if relation %}
    union
    select
        lines.store_id,
        lines.date,
        'order_line' as fact
    from {{ relation }} as lines
    inner join changed_cost as costs
        on lines.sku = costs.sku and lines.date >= costs.valid_from and lines.date < costs.valid_until
    {% endif %}
    {% if before %}
    union
    -- Ad days settle with age.
    select
        every.store_id,
        every.date,
        every.fact
    from {{ ref('int_every_store_day') }} as every
    inner join {{ ref('int_store') }} as now on every.store_id = now.store_id
    inner join {{ before }} as before on every.store_id = before.store_id
    where
        every.fact = 'ad_daily'
        and every.date >= before.as_of_day - {{ ad_settling_days() }}
        and every.date < now.as_of_day - {{ ad_settling_days() }}
    {% endif %}
)

select * from final
