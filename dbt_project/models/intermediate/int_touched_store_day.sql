{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['store_id', 'date', 'fact'],
) }}

-- Store-days of each fact that this build makes again. They stay pending until a whole build has gone through (see
-- consumed_load), so that a build that died half-way leaves nothing behind that a later one would not find.
-- depends_on: {{ ref('int_touched_by_load') }}
-- depends_on: {{ ref('int_touched_by_reference') }}
-- depends_on: {{ ref('int_every_store_day') }}
{% if is_incremental() %}
select store_id, date, fact from {{ ref('int_touched_by_load') }}
union
select store_id, date, fact from {{ ref('int_touched_by_reference') }}
{% else %}
select store_id, date, fact from {{ ref('int_every_store_day') }}
{% endif %}
