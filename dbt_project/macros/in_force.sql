{#
    Rows of file drops that count. A file that replaces days (`on_overlap: replace_day`) silences what files landed
    before it say about them; of one load, the file whose name sorts last speaks. Ids of loads sort as time, and a blank
    sorts before every digit.
#}
{% macro in_force(entity) -%}
    {%- set dropped = ref('stg_files__' ~ entity) -%}
    (
        select entries.*
        from {{ dropped }} as entries
        left join (
            select
                source_id,
                business_date,
                max(load_id || ' ' || file_name) as newest_file
            from {{ dropped }}
            where replaces_day
            group by source_id, business_date
        ) as replaced
            on entries.source_id = replaced.source_id and entries.business_date = replaced.business_date
        where
            replaced.newest_file is null
            or entries.load_id || ' ' || entries.file_name >= replaced.newest_file
    )
{%- endmacro %}
