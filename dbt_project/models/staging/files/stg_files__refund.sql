with

landed_rows as (
    select * from {{ landed('files', 'refund') }} as lake_rows
),

newest_file as (
    select
        source_id,
        file_name,
        max(load_id) as load_id
    from landed_rows
    group by source_id, file_name
),

-- The same name with new content replaces every row of the older content.
final as (
    select landed_rows.*
    from landed_rows
    inner join newest_file using (source_id, file_name, load_id)
)

select * from final
