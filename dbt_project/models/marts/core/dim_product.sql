select
    product_id,
    min(name) as name,
    min(category) as category
from {{ ref('int_product') }}
group by product_id
