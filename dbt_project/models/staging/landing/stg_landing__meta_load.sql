select * from {{ landed('landing', 'meta_load') }} as landed_rows
