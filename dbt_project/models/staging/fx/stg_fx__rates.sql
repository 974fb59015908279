with

landed_rows as (
    select * from {{ landed('fx', 'rates') }} as lake_rows
),

final as (
    select *
    from landed_rows
    qualify row_number() over (
        partition by rate_date, base, quote order by load_id desc, source_id asc
    ) = 1
)

select * from final
