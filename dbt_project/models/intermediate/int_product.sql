{{ config(materialized='table') }}

-- What each SKU is: the company's own table first, then file drops, the ERP, and last the order files' own words.
with

named as (
    select sku, product_id, name, category, 0 as preference, load_id
    from {{ ref('stg_reference__products') }}
    union all
    select sku, product_id, name, category, 1 as preference, load_id
    from {{ ref('stg_files__product_cost') }}
    union all
    select sku, null as product_id, name, category, 2 as preference, load_id
    from {{ ref('stg_mabang__products') }}
    union all
    select
        sku,
        null as product_id,
        max(product_name) as name,
        max(category) as category,
        3 as preference,
        max(load_id) as load_id
    from {{ ref('stg_files__order_line') }}
    where row_kind = 'sale'
    group by sku
),

ranked as (
    select
        *,
        row_number() over (partition by sku order by preference, load_id desc, name) as place
    from named
    where sku is not null
),

final as (
    select
        sku,
        coalesce(min_by(product_id, place) filter (where product_id is not null), sku) as product_id,
        min_by(name, place) filter (where name is not null) as name,
        min_by(category, place) filter (where category is not null) as category
    from ranked
    group by sku
)

select * from final
