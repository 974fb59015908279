{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=['source_id', 'transaction_id']) }}

with

landed_rows as (
    select * from {{ landed('amazon', 'transactions') }} as lake_rows
),

versions as (
    {{ with_kept('landed_rows', ['source_id', 'transaction_id']) }}
),

-- A transaction has no update time: its newest load says it whole.
final as (
    select *
    from versions
    qualify dense_rank() over (partition by source_id, transaction_id order by load_id desc) = 1
)

select * from final
