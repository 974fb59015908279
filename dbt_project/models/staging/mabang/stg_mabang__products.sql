-- Every version: the day a cost was first seen is the day it is valid from.
select * from {{ landed('mabang', 'products') }} as lake_rows
