select * from {{ landed('landing', 'meta_coverage') }} as landed_rows
