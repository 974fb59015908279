{{ config(alias='fx_rate') }}

-- The rates that amounts were converted with: one per day and currency, into the reporting currency.
select
    rates.date,
    rates.base,
    rates.quote,
    rates.rate,
    rates.rate_date,
    rates.source
from {{ ref('int_fx_rate_daily') }} as rates
where rates.quote in (select stores.reporting_currency from {{ ref('int_store') }} as stores)
