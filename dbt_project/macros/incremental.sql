{#
    What an incremental build stands on. Loads that no successful build has consumed are unread; the store-days that they
    and changed reference rows touch are pending in int_touched_store_day until a whole build has gone through.
#}

{# Where a table stands that an earlier build made and this one makes later; none before the first. Not a ref: no cycle. #}
{% macro built(schema, name) -%}
    {{- return(adapter.dispatch('built', 'crossborder_kpi')(schema, name)) -}}
{%- endmacro %}

{% macro default__built(schema, name) -%}
    {{- return(adapter.get_relation(database=target.database, schema=schema, identifier=name) if execute else none) -}}
{%- endmacro %}

{#
    The rows of a CTE of unread rows, and in an incremental build also the kept rows that share their key. Kept rows of an
    unread load come from a build that died half-way; they are read again.
#}
{% macro with_kept(rows, key) -%}
    {%- set unread_load = ref('stg_landing__unread_load') -%}
    select * from {{ rows }}
    {%- if is_incremental() %}
    union all by name
    select kept.*
    from {{ this }} as kept
    where
        exists (
            select 1 from {{ rows }} as fresh
            where {% for column in key %}fresh.{{ column }} = kept.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
        )
        and not exists (
            select 1 from {{ unread_load }} as unread
            where unread.source_id = kept.source_id and unread.load_id = kept.load_id
        )
    {%- endif %}
{%- endmacro %}

{# Whether a row belongs to the store-days of a fact that this build makes again: all of them in a full one. #}
{% macro is_touched(fact) -%}
    {%- set touched = ref('int_touched_store_day') -%}
    {%- if is_incremental() -%}
    (store_id, date) in (
        select store_id, date from {{ touched }} where fact = '{{ fact }}'
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{# Pre-hook of a fact: the touched store-days leave before they are appended again, in one transaction. #}
{% macro leave_touched(fact) -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} where {{ is_touched(fact) }}
    {%- endif -%}
{%- endmacro %}

{# The same for a KPI table, whose store-days or periods are rows of `touched`. #}
{% macro is_touched_by(keys, touched) -%}
    {%- set relation = ref(touched) -%}
    {%- if is_incremental() -%}
    ({{ keys | join(', ') }}) in (select {{ keys | join(', ') }} from {{ relation }})
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{% macro leave_touched_by(keys, touched) -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} where {{ is_touched_by(keys, touched) }}
    {%- endif -%}
{%- endmacro %}

{# Rows that are in one relation and not in the other, either way; every row where nothing was built before. #}
{% macro changed_rows(now, before, columns) -%}
    {%- set list = columns | join(', ') -%}
    (
        {%- if before %}
        (select {{ list }} from {{ now }} except select {{ list }} from {{ before }})
        union
        (select {{ list }} from {{ before }} except select {{ list }} from {{ now }})
        {%- else %}
        select {{ list }} from {{ now }}
        {%- endif %}
    )
{%- endmacro %}

{# An ad day settles when no network restates it any more: Amazon's conversions move for 42 days, read again for 45. #}
{% macro ad_settling_days() -%}
    45
{%- endmacro %}

{# Post-hook of the last model: a whole build has gone through, and nothing is pending. #}
{% macro nothing_is_pending() -%}
    {{- adapter.dispatch('nothing_is_pending', 'crossborder_kpi')() -}}
{%- endmacro %}

{% macro default__nothing_is_pending() -%}
    delete from {{ ref('int_touched_store_day') }}
{%- endmacro %}
