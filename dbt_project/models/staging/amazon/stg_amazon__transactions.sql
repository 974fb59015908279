with

landed_rows as (
    select * from {{ landed('amazon', 'transactions') }} as lake_rows
),

-- A transaction has no update time: its newest load says it whole.
final as (
    select *
    from landed_rows
    qualify dense_rank() over (partition by source_id, transaction_id order by load_id desc) = 1
)

select * from final
