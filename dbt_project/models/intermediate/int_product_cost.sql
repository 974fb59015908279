{{ config(materialized='table') }}

-- Versions of each SKU's landed cost. The company's own table beats file drops, and those beat the ERP.
with

stated as (
    select sku, effective_from, cost, first_leg, currency, 0 as preference, load_id
    from {{ ref('stg_reference__products') }}
    union all
    select sku, effective_from, cost, first_leg, currency, 1 as preference, load_id
    from {{ ref('stg_files__product_cost') }}
    union all
    -- The ERP keeps no history: a cost holds from the Beijing day on which it was first seen.
    select
        sku,
        {{ local_date('loaded_at', "'Asia/Shanghai'") }} as effective_from,
        purchase_cost as cost,
        first_leg_cost as first_leg,
        currency,
        2 as preference,
        load_id
    from {{ ref('stg_mabang__products') }}
),

preferred as (
    select *
    from stated
    where cost is not null
    qualify rank() over (partition by sku order by preference) = 1
),

versions as (
    select *
    from preferred
    qualify row_number() over (partition by sku, effective_from order by load_id desc) = 1
),

-- An ERP says the same cost every day; a version begins where the cost changes.
changes as (
    select *
    from versions
    window in_time as (partition by sku order by effective_from nulls first)
    qualify
        row_number() over in_time = 1
        or cost is distinct from lag(cost) over in_time
        or first_leg is distinct from lag(first_leg) over in_time
        or currency is distinct from lag(currency) over in_time
),

-- The first known cost also covers the days before it.
final as (
    select
        sku,
        case
            when row_number() over (partition by sku order by effective_from nulls first) = 1
                then cast('1900-01-01' as date)
            else effective_from
        end as valid_from,
        coalesce(
            lead(effective_from) over (partition by sku order by effective_from nulls first),
            cast('9999-12-31' as date)
        ) as valid_until,
        cost,
        coalesce(first_leg, 0) as first_leg,
        currency
    from changes
)

select * from final
