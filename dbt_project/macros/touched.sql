{# Pre-hook of an incremental model: the touched store-days leave it before they are appended again. #}
{% macro touched_delete() -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} where (store_id, date) in (
            select (store_id, date) from {{ ref('int_touched_store_day') }}
        )
    {%- endif -%}
{%- endmacro %}
