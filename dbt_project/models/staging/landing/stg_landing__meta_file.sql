select * from {{ landed('landing', 'meta_file') }} as landed_rows
