{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['rate_date', 'base', 'quote'],
) }}

with

landed_rows as (
    select * from {{ landed('fx', 'rates') }} as lake_rows
),

versions as (
    {{ with_kept('landed_rows', ['rate_date', 'base', 'quote']) }}
),

final as (
    select *
    from versions
    qualify row_number() over (
        partition by rate_date, base, quote order by load_id desc, source_id asc
    ) = 1
)

select * from final
