-- What somebody would write by hand who wants the daily KPIs of each store and nothing else: one pass from the lake's
-- Parquet to one small table. It knows this company: Amazon only, every load complete, no held store, no missing rate.
-- `lake` is a DuckDB variable: the lake's folder.
set TimeZone = 'UTC';

-- Short decimals where they hold the amount, for DuckDB rounds long ones slowly; zones as literals for the same reason.
create temp macro money(amount) as
    coalesce(cast(try_cast(amount as decimal(18, 9)) as decimal(18, 4)), cast(amount as decimal(18, 4)));

create temp macro money_at(amount, rate) as case
    when rate = 1 then money(amount)
    when money(amount) = amount and abs(cast(amount as double) * cast(rate as double)) < 9999
        then cast(money(amount) * rate as decimal(18, 4))
    else cast(cast(amount as decimal(20, 9)) * rate as decimal(18, 4))
end;

create temp macro local_day(moment, currency) as cast(
    case currency
        when 'JPY' then timezone('Asia/Tokyo', moment)
        else timezone('America/Los_Angeles', moment)
    end as date
);

create temp table store_source as
select
    store_id,
    currency,
    store_id || '_sp' as seller_source,
    store_id || '_ads' as ads_source
from read_parquet(getvariable('lake') || '/files/reference/company_store/*.parquet');

-- 1 unit of a currency in US dollars, by way of the euro; a weekend carries Friday's rate.
create temp table rate as
with quoted as (
    select rate_date, quote, rate
    from read_parquet(getvariable('lake') || '/files/reference/fx_rates/*.parquet')
    union all
    select distinct rate_date, 'EUR', 1
    from read_parquet(getvariable('lake') || '/files/reference/fx_rates/*.parquet')
),
crossed as (
    select
        near.rate_date,
        near.quote as currency,
        cast(
            (cast(far.rate * 10000000000 as hugeint) * 20000000000 + cast(near.rate * 10000000000 as hugeint))
            // (2 * cast(near.rate * 10000000000 as hugeint)) as decimal(28, 0)
        ) * cast(0.0000000001 as decimal(10, 10)) as rate,
        lead(near.rate_date) over (partition by near.quote order by near.rate_date) as next_date
    from quoted as near
    inner join quoted as far on near.rate_date = far.rate_date and far.quote = 'USD'
)
select
    currency,
    cast(rate as decimal(18, 10)) as rate,
    cast(unnest(generate_series(
        cast(rate_date as timestamp), cast(coalesce(next_date - 1, rate_date + 7) as timestamp), interval 1 day
    )) as date) as date
from crossed;

create temp table cost as
select
    sku,
    cost,
    first_leg,
    currency,
    case
        when row_number() over versions = 1 then date '1900-01-01'
        else effective_from
    end as valid_from,
    lead(effective_from, 1, date '9999-12-31') over versions as valid_until
from read_parquet(getvariable('lake') || '/files/reference/products/*.parquet')
window versions as (partition by sku order by effective_from);

create temp table shipped as
select
    store_id,
    order_id,
    local_day(created_at, store_source.currency) as date,
    status = 'CANCELLED' as is_cancelled,
    is_replacement
from (
    select
        parse_path(filename)[-3] as seller_source,
        order_id,
        created_at,
        status,
        is_replacement,
        updated_at
    from read_parquet(getvariable('lake') || '/amazon/*/orders/*.parquet', filename = true)
)
inner join store_source using (seller_source)
qualify row_number() over (partition by seller_source, order_id order by updated_at desc) = 1;

create temp table ledger as
with landed as (
    select
        parse_path(filename)[-3] as seller_source,
        *
    from read_parquet(getvariable('lake') || '/amazon/*/transactions/*.parquet', filename = true)
)
select
    store_id,
    landed.order_id,
    landed.transaction_id,
    landed.item_no,
    local_day(coalesce(deferred.posted_at, landed.posted_at), landed.currency) as date,
    landed.transaction_type,
    landed.breakdown_type,
    landed.amount,
    landed.currency
from landed
inner join store_source using (seller_source)
left join (
    select seller_source, transaction_id, min(posted_at) as posted_at
    from landed
    where release_transaction_id is not null
    group by 1, 2
) as deferred
    on landed.seller_source = deferred.seller_source and landed.deferred_transaction_id = deferred.transaction_id
where landed.release_transaction_id is null;

create temp table sales as
with booked as (
    select distinct store_id, order_id
    from ledger
),
items as (
    select
        parse_path(filename)[-3] as seller_source,
        order_id,
        sku,
        quantity_ordered as quantity,
        item_price as price,
        coalesce(discount, 0) as discount,
        is_cancelled
    from read_parquet(getvariable('lake') || '/amazon/*/order_items/*.parquet', filename = true)
    qualify row_number() over (partition by seller_source, order_item_id order by order_updated_at desc) = 1
),
lines as (
    select
        shipped.*,
        store_source.currency,
        items.sku,
        items.quantity,
        items.price,
        items.discount,
        not shipped.is_cancelled and not items.is_cancelled as is_live
    from items
    inner join store_source using (seller_source)
    inner join shipped on store_source.store_id = shipped.store_id and items.order_id = shipped.order_id
)
select
    store_id,
    lines.date,
    sum(case when is_live and not is_replacement then money_at(price, sale.rate) else 0 end) as gmv,
    sum(case when is_live and not is_replacement then money_at(discount, sale.rate) else 0 end)
        as discounts,
    count(distinct order_id) filter (where is_live and not is_replacement) as orders,
    cast(sum(quantity) filter (where is_live and not is_replacement) as bigint) as units,
    sum(case when is_live then money_at(quantity * cost, bought.rate) else 0 end)
        as cogs,
    sum(case
        when is_live then money_at(quantity * first_leg, bought.rate) else 0
    end) as first_leg,
    count(*) filter (where is_live and not is_replacement and booked.order_id is null) as unbooked
from lines
inner join cost on lines.sku = cost.sku and lines.date >= valid_from and lines.date < valid_until
inner join rate as sale on lines.date = sale.date and lines.currency = sale.currency
inner join rate as bought on lines.date = bought.date and cost.currency = bought.currency
left join booked using (store_id, order_id)
group by 1, 2;

create temp table postings as
select
    store_id,
    ledger.date,
    -sum(money_at(amount, rate)) filter (where breakdown_type in ('Commission', 'RefundCommission'))
        as platform_fees,
    -sum(money_at(amount, rate)) filter (where breakdown_type = 'FBAPerUnitFulfillmentFee')
        as fulfilment_fees,
    -sum(money_at(amount, rate)) filter (where breakdown_type = 'CostOfPointsGranted') as other_fees
from ledger
inner join rate on ledger.date = rate.date and ledger.currency = rate.currency
group by 1, 2;

-- The goods' money less the promotion taken back with it, converted together.
create temp table refunded as
select
    store_id,
    goods.date,
    sum(money_at(amount, rate)) as refunds
from (
    select
        store_id,
        date,
        currency,
        cast(-sum(amount) as decimal(20, 9)) as amount
    from ledger
    where transaction_type = 'Refund' and breakdown_type in ('OurPricePrincipal', 'OurPriceDiscount')
    group by store_id, date, currency, transaction_id, item_no
) as goods
inner join rate on goods.date = rate.date and goods.currency = rate.currency
group by 1, 2;

create temp table ads as
with landed as (
    select
        parse_path(filename)[-3] as ads_source,
        cast(split_part(parse_filename(filename), '.', 1) as bigint) as load_at,
        report_date as date,
        cost,
        sales_7d
    from read_parquet(getvariable('lake') || '/amazon_ads/*/sp_advertised_product/*.parquet', filename = true)
),
newest as (
    select *
    from landed
    qualify load_at = max(load_at) over (partition by ads_source, date)
)
select
    store_id,
    newest.date,
    sum(money_at(cost, rate)) as ad_spend,
    sum(money_at(sales_7d, rate)) as ad_sales
from newest
inner join store_source using (ads_source)
inner join rate on newest.date = rate.date and store_source.currency = rate.currency
group by 1, 2;

-- A day that the ledger covers and that brought no refund had none; before it, nobody knows, and profit waits for none.
create temp table covered as
select distinct store_id, day as date, 0 as nothing
from read_parquet(getvariable('lake') || '/amazon/*/meta_coverage/*.parquet', filename = true)
inner join store_source on parse_path(filename)[-3] = seller_source
where resource = 'transactions';

create table daily_kpis as
select
    sales.store_id,
    sales.date,
    gmv,
    discounts,
    orders,
    units,
    cogs,
    first_leg,
    coalesce(refunds, nothing) as refunds,
    case when unbooked = 0 then coalesce(platform_fees, 0) end as platform_fees,
    case when unbooked = 0 then coalesce(fulfilment_fees, 0) end as fulfilment_fees,
    case when unbooked = 0 then coalesce(other_fees, 0) end as other_fees,
    ad_spend,
    ad_sales,
    case when unbooked = 0 then
        gmv - discounts - coalesce(refunds, 0) - cogs - first_leg - coalesce(platform_fees, 0)
        - coalesce(fulfilment_fees, 0) - coalesce(other_fees, 0) - ad_spend
    end as contribution_profit
from sales
left join postings using (store_id, date)
left join refunded using (store_id, date)
left join ads using (store_id, date)
left join covered using (store_id, date)
