with

landed_rows as (
    select * from {{ landed('amazon', 'fba_inventory') }} as lake_rows
),

final as (
    select *
    from landed_rows
    qualify dense_rank() over (partition by source_id, report_id order by load_id desc) = 1
)

select * from final
