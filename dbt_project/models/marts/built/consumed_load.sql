{{ config(post_hook="{{ nothing_is_pending() }}") }}

-- The loads that a whole build has gone through, written last; from here on nothing is pending.
-- depends_on: {{ ref('kpi_values') }}
-- depends_on: {{ ref('kpi_cuts') }}
-- depends_on: {{ ref('kpi_daily') }}
-- depends_on: {{ ref('built_store') }}
-- depends_on: {{ ref('built_store_source') }}
-- depends_on: {{ ref('built_product') }}
-- depends_on: {{ ref('built_product_cost') }}
-- depends_on: {{ ref('built_fx_rate_daily') }}
select
    source_id,
    load_id
from {{ ref('stg_landing__visible_load') }}
