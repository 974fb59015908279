select * from {{ landed('landing', 'meta_drift') }} as landed_rows
