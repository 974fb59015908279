{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=['source_id', 'load_id']) }}

-- Every version: the day a cost was first seen is the day it is valid from.
select * from {{ landed('mabang', 'products') }} as lake_rows
