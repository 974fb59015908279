select distinct
    store_id,
    fact
from {{ ref('int_store_source') }}
