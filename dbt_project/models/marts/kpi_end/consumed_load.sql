-- The loads whose facts are in the KPI tables. A held store's loads wait, and store-less ones while any store is held.
-- depends_on: {{ ref('kpi_values') }}
-- depends_on: {{ ref('kpi_cuts') }}
-- depends_on: {{ ref('kpi_daily') }}
select
    loads.system,
    loads.source_id,
    loads.load_id
from {{ ref('stg_landing__visible_load') }} as loads
left join {{ ref('stg_reference__company_source') }} as sources on loads.source_id = sources.source_id
where
    not exists (select 1 from {{ ref('int_held_store') }})
    or sources.store_id not in (select held.store_id from {{ ref('int_held_store') }} as held)
