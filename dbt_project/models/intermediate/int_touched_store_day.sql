-- Store-days that this build makes again. Core is rebuilt whole, so these are all that have a fact or coverage.
select
    store_id,
    date
from {{ ref('int_coverage') }}
union
select
    store_id,
    date
from {{ ref('fct_order_line') }}
union
select
    store_id,
    date
from {{ ref('fct_refund') }}
union
select
    store_id,
    date
from {{ ref('fct_ledger_entry') }}
union
select
    store_id,
    date
from {{ ref('fct_ad_daily') }}
union
select
    store_id,
    date
from {{ ref('fct_inventory_daily') }}
