{{ config(schema='state') }}

-- Store-days that the KPI tables make again: where a fact changed, where holding began or ended, where days came, went
-- or closed.
-- depends_on: {{ ref('dim_store') }}
{% set before = built('state', 'built_store') %}
{% set component_days = built('kpi', 'kpi_component_daily') %}

with

touched as (

    select distinct
        store_id,
        date
    from {{ ref('int_touched_store_day') }}

),

turned as (

    select store_id
    from {{ ref('kpi_held_store') }}
    {% if before %}
    where store_id not in (select store_id from {{ before }} where is_held)
    union
    select store_id
    from {{ before }}
    where is_held and store_id not in (select store_id from {{ ref('kpi_held_store') }})
    {% endif %}

),

shown as (

    {% if component_days %}
    select
        store_id,
        date
    from {{ component_days }}
    where dim = 'none'
    {% else %}
    select
        store_id,
        date
    from {{ ref('kpi_store_day') }}
    where false
    {% endif %}

),

spine as (

    select
        store_id,
        date
    from {{ ref('kpi_store_day') }}

),

appeared as (

    select store_id, date from spine
    except
    select store_id, date from shown

),

vanished as (

    select store_id, date from shown
    except
    select store_id, date from spine

),

final as (

    select store_id, date from touched
    union
    select store_id, date from appeared
    union
    select store_id, date from vanished
    union
    select store_id, date from spine
    where store_id in (select store_id from turned)
    {% if before %}
    union
    select spine.store_id, spine.date
    from spine
    inner join {{ ref('dim_store') }} as now on spine.store_id = now.store_id
    inner join {{ before }} as before on spine.store_id = before.store_id
    where spine.date >= before.as_of_day and spine.date < now.as_of_day
    {% endif %}

)

select * from final
