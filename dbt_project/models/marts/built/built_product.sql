-- depends_on: {{ ref('kpi_values') }}
-- depends_on: {{ ref('kpi_cuts') }}
-- depends_on: {{ ref('kpi_daily') }}
select * from {{ ref('int_product') }}
