select * from {{ landed('landing', 'meta_quarantine') }} as landed_rows
