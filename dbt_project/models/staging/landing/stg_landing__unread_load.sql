{{ config(materialized='table') }}

-- Loads that no successful build has consumed, in whatever order they finished; all of them in a full refresh.
{% set consumed = none if flags.FULL_REFRESH else built('state', 'consumed_load') %}
select visible.*
from {{ ref('stg_landing__visible_load') }} as visible
{% if consumed %}
left join {{ consumed }} as consumed
    on visible.source_id = consumed.source_id and visible.load_id = consumed.load_id
where consumed.load_id is null
{% endif %}
