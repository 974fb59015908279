{# Rows of a file drop, every file in its newest content: the same name with new content replaces all older rows. #}
{% macro newest_files(entity) -%}
with

landed_rows as (
    select * from {{ landed('files', entity) }} as lake_rows
),

versions as (
    {{ with_kept('landed_rows', ['source_id', 'file_name']) }}
),

-- A file that came again with no row at all has a newest version, too.
newest_file as (
    select
        source_id,
        file_name,
        max(load_id) as load_id
    from (
        select source_id, file_name, load_id from versions
        union all
        select source_id, file_name, load_id from {{ ref('stg_landing__meta_file') }}
    ) as every_version
    group by source_id, file_name
),

final as (
    select versions.*
    from versions
    inner join newest_file
        on
            versions.source_id = newest_file.source_id
            and versions.file_name = newest_file.file_name
            and versions.load_id = newest_file.load_id
)

select * from final
{%- endmacro %}

{# Post-hook of file drops: a newer version takes the older one's rows away, even when it brings none. #}
{% macro leave_replaced_files() -%}
    {%- if execute and is_incremental() -%}
    delete from {{ this }} as kept
    where exists (
        select 1 from {{ ref('stg_landing__meta_file') }} as newer
        where
            newer.source_id = kept.source_id
            and newer.file_name = kept.file_name
            and newer.load_id > kept.load_id
    )
    {%- endif -%}
{%- endmacro %}

{# A reference table of the company folder. A changed one lands whole, so its newest load is the table. #}
{% macro newest_table(name) -%}
with

landed_rows as (
    select * from {{ landed('files', name) }} as lake_rows
),

final as (
    select *
    from landed_rows
    where load_id = (select max(newest.load_id) from landed_rows as newest)
)

select * from final
{%- endmacro %}

{# Post-hook of a windowed model: account-days that a newer load covers lose their older rows, even to no rows at all. A
   full build never has the older ones. #}
{% macro leave_superseded(resource, account, day) -%}
    {%- if execute and is_incremental() -%}
    delete from {{ this }} as kept
    using {{ ref('stg_landing__newest_coverage') }} as newest
    where
        newest.resource = '{{ resource }}'
        and kept.source_id = newest.source_id
        and kept.{{ account }} = newest.account
        and kept.{{ day }} = newest.day
        and kept.load_id <> newest.load_id
    {%- endif -%}
{%- endmacro %}
