select * from {{ ref('int_store') }}
