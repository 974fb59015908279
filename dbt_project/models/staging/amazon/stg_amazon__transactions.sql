{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['source_id', 'transaction_id'],
) }}

with

landed_rows as {{ inlined() }} (
    select * from {{ landed('amazon', 'transactions') }} as lake_rows
),

versions as {{ inlined() }} (
    {{ with_kept('landed_rows', ['source_id', 'transaction_id']) }}
),

-- A transaction has no update time: its newest load says it whole.
newest as (
    select
        source_id,
        transaction_id,
        load_id
    from (
        select distinct source_id, transaction_id, load_id from versions
    ) as every_version
    qualify row_number() over (
        partition by source_id, transaction_id order by load_id desc
    ) = 1
),

final as (
    select versions.*
    from versions
    inner join newest
        on
            versions.source_id = newest.source_id
            and versions.transaction_id = newest.transaction_id
            and versions.load_id = newest.load_id
)

select * from final
