with

landed_rows as (
    select * from {{ landed('mabang', 'stock') }} as lake_rows
),

final as (
    select *
    from landed_rows
    qualify row_number() over (
        partition by source_id, sku, warehouse_id order by snapshot_at desc, load_id desc
    ) = 1
)

select * from final
