with

landed_rows as (
    select * from {{ landed('amazon', 'order_items') }} as lake_rows
),

-- All items of the newest version of their order: an item that left the order is gone here too.
final as (
    select *
    from landed_rows
    qualify dense_rank() over (
        partition by source_id, order_id order by order_updated_at desc, load_id desc
    ) = 1
)

select * from final
