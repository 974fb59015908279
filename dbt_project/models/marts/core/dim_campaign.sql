select
    campaign_id,
    store_id,
    network,
    max_by(campaign_name, date) as name
from {{ ref('int_ad_daily') }}
where campaign_id is not null
group by campaign_id, store_id, network
