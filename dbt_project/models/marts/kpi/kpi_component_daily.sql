{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook="{{ leave_touched_by(['store_id', 'date'], 'kpi_touched_day') }}",
) }}

-- Components per store, local day and one dimension ('none' is dense). An order has one store and one day, so distinct
-- counts of this grain add up over days and stores.
{% set components = kpi_components() %}
{% set facts = kpi_facts() %}
{% set money = {
    'fct_order_line': 'gmv',
    'fct_refund': 'refunds',
    'fct_ledger_entry': 'amount',
    'fct_ad_daily': 'ad_spend',
} %}

with

{% for fact in facts %}
{{ fact }}_rows as {{ inlined() }} (

    select *
    from {{ accepted(fact) }} as accepted_rows
    where {{ is_touched_by(['store_id', 'date'], 'kpi_touched_day') }}

),

{% endfor %}
spine as (

    select *
    from {{ ref('kpi_store_day') }}
    where {{ is_touched_by(['store_id', 'date'], 'kpi_touched_day') }}

),

{% for fact in facts %}
{{ fact }}_sums as (

{% for dim, dimension in kpi_dimensions().items() if fact in dimension.facts %}
    select
        store_id,
        date,
        '{{ dim }}' as dim,
        coalesce({{ dimension.column }}, 'unallocated') as dim_id,
        {% for c in components if c.fact == fact %}
        {% if c.agg == 'count_distinct' %}
        {# NULLs are not counted either way; left out first, they are not hashed. #}
        count(distinct {{ c.expr }}) filter (where {{ c.expr }} is not null) as {{ c.name }},
        {% else %}
        sum({{ c.expr }}) as {{ c.name }},
        {% endif %}
        {% endfor %}
        {% if fact in money %}
        max(case when {{ money[fact] }} is null then 2 when settled then 0 else 1 end) as rows_state
        {% else %}
        0 as rows_state
        {% endif %}
    from {{ fact }}_rows
    group by 1, 2, 3, 4
    {% if not loop.last %}union all{% endif %}

{% endfor %}
),

{% endfor %}
keys as (

    select
        store_id,
        date,
        'none' as dim,
        '' as dim_id
    from spine
    {% for fact in facts %}
    union
    select
        sums.store_id,
        sums.date,
        sums.dim,
        sums.dim_id
    from {{ fact }}_sums as sums
    inner join spine on sums.store_id = spine.store_id and sums.date = spine.date
    {% endfor %}

),

expected as (

    select
        store_id,
        {% for fact in facts %}
        bool_or(fact = '{{ fact[4:] }}') as {{ fact }}__expected{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_expected') }}
    group by store_id

),

-- What a held store's sources said since its last publication is not accepted: its later days stay unknown, not zero.
covered as (

    select
        said.store_id,
        said.date,
        {% for fact in facts %}
        bool_or(said.fact = '{{ fact[4:] }}') as {{ fact }}__covered{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_coverage') }} as said
    inner join spine on said.store_id = spine.store_id and said.date = spine.date
    where not spine.is_held or said.date <= spine.orders_until
    group by said.store_id, said.date

),

-- Stock cannot be asked for the past: nobody expects it before its first snapshot.
stock_from as (

    select
        store_id,
        min(date) as first_day
    from {{ ref('int_coverage') }}
    where fact = 'inventory_daily'
    group by store_id

),

days as (

    select
        spine.store_id,
        spine.date,
        spine.is_held,
        {% for fact in facts %}
        coalesce(
            expected.{{ fact }}__expected {%- if fact == 'fct_inventory_daily' %} and spine.date >= stock_from.first_day {%- endif %}, false
        ) as {{ fact }}__expected,
        coalesce(covered.{{ fact }}__covered, false) as {{ fact }}__covered{{ ',' if not loop.last }}
        {% endfor %}
    from spine
    left join expected on spine.store_id = expected.store_id
    left join stock_from on spine.store_id = stock_from.store_id
    left join covered on spine.store_id = covered.store_id and spine.date = covered.date

),

final as (

    select
        keys.store_id,
        keys.date,
        keys.dim,
        keys.dim_id,
        {% for fact in facts %}
        {% set present = '(days.' ~ fact ~ '__covered or ' ~ fact ~ '_sums.rows_state is not null)' %}
        case when {{ present }} then 0 else 1 end as {{ fact }}__missing,
        case
            when not days.{{ fact }}__expected and {{ fact }}_sums.rows_state is null then null
            when days.is_held or not {{ present }} then 2
            -- Rows of a day that its source has not covered yet are a part of it: stale, or provisional on an open day.
            when days.{{ fact }}__expected and not days.{{ fact }}__covered
                then case when keys.date < stores.as_of_day then 2 else greatest({{ fact }}_sums.rows_state, 1) end
            else coalesce({{ fact }}_sums.rows_state, 0)
        end as {{ fact }}__state,
        {% endfor %}
        {% for c in components %}
        cast(case
            when {{ c.fact }}_sums.{{ c.name }} is not null then {{ c.fact }}_sums.{{ c.name }}
            {% if c.expr == c.name and c.name in kpi_money() %}
            when {{ c.fact }}_sums.rows_state = 2 then null
            {% endif %}
            when days.{{ c.fact }}__covered or {{ c.fact }}_sums.rows_state is not null then 0
        end as {{ component_type(c) }}) as {{ c.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from keys
    inner join days on keys.store_id = days.store_id and keys.date = days.date
    inner join {{ ref('dim_store') }} as stores on keys.store_id = stores.store_id
    {% for fact in facts %}
    left join {{ fact }}_sums
        on keys.store_id = {{ fact }}_sums.store_id and keys.date = {{ fact }}_sums.date
        and keys.dim = {{ fact }}_sums.dim and keys.dim_id = {{ fact }}_sums.dim_id
    {% endfor %}

)

select * from final
