-- depends_on: {{ ref('kpi_values') }}
-- depends_on: {{ ref('kpi_cuts') }}
-- depends_on: {{ ref('kpi_daily') }}
select
    stores.*,
    held.store_id is not null as is_held
from {{ ref('int_store') }} as stores
left join {{ ref('kpi_held_store') }} as held on stores.store_id = held.store_id
