"""Can these numbers exist at all? Shape (keys, types, relations) is judged by dbt tests and contracts."""

from expectations.probe import Probe, Suite


def _rows(check: str, fact: str, wrong: str, says: str) -> Probe:
    """A probe that counts the rows of a core fact that can't be, per store."""
    return Probe(
        asset=f"core.{fact}",
        says=says,
        query=f"""
            SELECT '{check}' AS check_name, store_id, count(*) FILTER ({wrong}) AS value FROM core.{fact} GROUP BY ALL
        """,
    )


SUITE = Suite(
    name="validity",
    asks="Are quantities, days, currencies and ratios possible?",
    probes=(
        _rows(
            "fail_sold_quantity_not_negative",
            "fct_order_line",
            "is_live AND quantity < 0",
            "live order lines with a negative quantity are none",
        ),
        _rows(
            "fail_stock_not_negative",
            "fct_inventory_daily",
            "on_hand_units < 0 OR sellable_units < 0",
            "stock rows below zero are none",
        ),
        # The real clock, never --as-of; a day ahead of UTC is still today somewhere (UTC+14).
        _rows(
            "fail_no_order_from_the_future",
            "fct_order_line",
            "date > (now() AT TIME ZONE 'UTC')::DATE + 1",
            "orders dated after today are none",
        ),
        _rows(
            "fail_currency_known",
            "fct_order_line",
            "currency IS NULL OR NOT regexp_full_match(currency, '[A-Z]{3}')",
            "order lines without an ISO 4217 currency are none",
        ),
        _rows(
            "warn_exchange_rate_present",
            "fct_order_line",
            "gmv IS NULL AND gmv_native IS NOT NULL",
            "order lines whose day has no exchange rate are none",
        ),
        _rows(
            "warn_clicks_within_impressions",
            "fct_ad_daily",
            "clicks > impressions",
            "ad rows with more clicks than impressions are none",
        ),
        _rows(
            "fail_ad_counts_not_negative",
            "fct_ad_daily",
            "impressions < 0 OR clicks < 0",
            "ad rows with negative counts are none",
        ),
    ),
)
