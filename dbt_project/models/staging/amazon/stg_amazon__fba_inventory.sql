{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=['source_id', 'report_id']) }}

with

landed_rows as (
    select * from {{ landed('amazon', 'fba_inventory') }} as lake_rows
),

versions as (
    {{ with_kept('landed_rows', ['source_id', 'report_id']) }}
),

final as (
    select *
    from versions
    qualify dense_rank() over (partition by source_id, report_id order by load_id desc) = 1
)

select * from final
