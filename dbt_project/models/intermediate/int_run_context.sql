{{ config(materialized='table') }}

with

told as (
    select * from {{ run_file('context', {
        'run_id': 'varchar', 'started_at': 'timestamp with time zone', 'as_of': 'date', 'full_refresh': 'boolean'
    }) }} as run_rows
),

final as (
    select
        max(run_id) as run_id,
        coalesce(max(started_at), now()) as started_at,
        max(as_of) as as_of
    from told
)

select * from final
