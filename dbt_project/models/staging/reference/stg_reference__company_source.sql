with

landed_rows as (
    select * from {{ landed('files', 'company_source') }} as lake_rows
),

-- A changed reference table lands whole, so its newest load is the table.
final as (
    select *
    from landed_rows
    where load_id = (select max(newest.load_id) from landed_rows as newest)
)

select * from final
