-- Components per store, local day and one dimension ('none' is dense). An order has one store and one day, so distinct
-- counts of this grain add up over days and stores.
{% set components = kpi_components() %}
{% set facts = ['fct_order_line', 'fct_refund', 'fct_ledger_entry', 'fct_ad_daily', 'fct_inventory_daily'] %}
{% set dims = {
    'none': facts,
    'category': facts,
    'product': facts,
    'channel': ['fct_order_line', 'fct_refund', 'fct_ad_daily'],
    'campaign': ['fct_ad_daily'],
} %}
{% set dim_column = {'none': "''", 'category': 'category', 'product': 'product_id', 'channel': 'channel', 'campaign': 'campaign_id'} %}
{% set money = {'fct_order_line': 'gmv', 'fct_refund': 'refunds', 'fct_ledger_entry': 'amount', 'fct_ad_daily': 'ad_spend'} %}

with

{% for fact in facts %}
{{ fact }}_rows as (

    select * from {{ accepted(fact) }}

),

{% endfor %}
accepted_until as (

    select store_id, max(date) as last_day from fct_order_line_rows group by 1

),

-- What a held store's sources said since its last publication is not accepted: its later days stay unknown, not zero.
coverage as (

    select distinct said.store_id, said.date, said.fact
    from {{ ref('int_coverage') }} as said
    left join accepted_until on said.store_id = accepted_until.store_id
    where
        said.store_id not in (select store_id from {{ ref('int_held_store') }})
        or said.date <= accepted_until.last_day

),

expected as (

    select distinct store_id, fact from {{ ref('int_expected') }}

),

held as (

    select store_id from {{ ref('int_held_store') }}

),

parts as (

{% for dim, dim_facts in dims.items() %}{% set outer = loop %}{% for fact in dim_facts %}
    select
        store_id,
        date,
        '{{ dim }}' as dim,
        coalesce(cast({{ dim_column[dim] }} as varchar), 'unallocated') as dim_id,
        {% for other in facts %}
        {% if other == fact %}
        {% if fact == 'fct_inventory_daily' %}0{% else %}max(case when {{ money[fact] }} is null then 2 when settled then 0 else 1 end){% endif %} as {{ other }}__rows_state,
        {% else %}
        cast(null as integer) as {{ other }}__rows_state,
        {% endif %}
        {% endfor %}
        {% for c in components %}
        {% if c.fact != fact %}
        null
        {% elif c.agg == 'count_distinct' %}
        count(distinct {{ c.expr }})
        {% else %}
        sum({{ c.expr }})
        {% endif %} as {{ c.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ fact }}_rows
    group by 1, 2, 3, 4
    {% if not (outer.last and loop.last) %}union all{% endif %}
{% endfor %}{% endfor %}

),

joined as (

    select
        store_id,
        date,
        dim,
        dim_id,
        {% for fact in facts %}
        max({{ fact }}__rows_state) as {{ fact }}__rows_state,
        {% endfor %}
        {% for c in components %}
        sum({{ c.name }}) as {{ c.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from parts
    group by 1, 2, 3, 4

),

newest as (

    select
        store_id,
        max(date) as newest_day
    from (select store_id, date from joined union all select store_id, date from coverage)
    group by 1

),

spine as (

    select
        stores.store_id,
        cast(days.day as date) as date
    from {{ ref('dim_store') }} as stores
    left join newest on stores.store_id = newest.store_id
    cross join lateral (
        select unnest(generate_series(
            cast(stores.opened_on as timestamp),
            cast(greatest(stores.as_of_day - 1, newest.newest_day) as timestamp),
            interval 1 day
        )) as day
    ) as days
    where newest.newest_day is not null or stores.store_id not in (select held.store_id from held)

),

keys as (

    select store_id, date, 'none' as dim, '' as dim_id from spine
    union
    select store_id, date, dim, dim_id from joined

),

days as (

    select
        grid.store_id,
        grid.date,
        held.store_id is not null as is_held,
        {% for fact in facts %}
        bool_or(expected.fact = '{{ fact[4:] }}') as {{ fact }}__expected,
        bool_or(coverage.fact = '{{ fact[4:] }}') as {{ fact }}__covered{{ ',' if not loop.last }}
        {% endfor %}
    from (select distinct store_id, date from keys) as grid
    left join expected on grid.store_id = expected.store_id
    left join coverage on grid.store_id = coverage.store_id and grid.date = coverage.date and expected.fact = coverage.fact
    left join held on grid.store_id = held.store_id
    group by 1, 2, 3

),

final as (

    select
        keys.store_id,
        keys.date,
        keys.dim,
        keys.dim_id,
        {% for fact in facts %}
        {% set present = 'coalesce(days.' ~ fact ~ '__covered, false) or joined.' ~ fact ~ '__rows_state is not null' %}
        case when {{ present }} then 0 else 1 end as {{ fact }}__missing,
        case
            when not coalesce(days.{{ fact }}__expected, false) and joined.{{ fact }}__rows_state is null then null
            when days.is_held or not ({{ present }}) then 2
            -- Rows of a day that its source has not covered yet are a part of it: stale, or provisional on an open day.
            when days.{{ fact }}__expected and not coalesce(days.{{ fact }}__covered, false)
                then case when keys.date < stores.as_of_day then 2 else greatest(joined.{{ fact }}__rows_state, 1) end
            else coalesce(joined.{{ fact }}__rows_state, 0)
        end as {{ fact }}__state,
        {% endfor %}
        {% for c in components %}
        {% set type = 'decimal(38, 6)' if c.name == 'demand_30d' else ('decimal(38, 4)' if c.name in kpi_money() else 'bigint') %}
        cast(case
            when joined.{{ c.name }} is not null then joined.{{ c.name }}
            {% if c.expr == c.name and c.name in kpi_money() %}
            when joined.{{ c.fact }}__rows_state = 2 then null
            {% endif %}
            when coalesce(days.{{ c.fact }}__covered, false) or joined.{{ c.fact }}__rows_state is not null then 0
        end as {{ type }}) as {{ c.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from keys
    inner join days on keys.store_id = days.store_id and keys.date = days.date
    inner join {{ ref('dim_store') }} as stores on keys.store_id = stores.store_id
    left join joined
        on keys.store_id = joined.store_id and keys.date = joined.date
        and keys.dim = joined.dim and keys.dim_id = joined.dim_id

)

select * from final
