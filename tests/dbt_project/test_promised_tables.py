"""The tables and columns that the outside may rely on, as they are in a company with one store and two sources."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest

from tests.dbt_project.lake import Lake

pytestmark = pytest.mark.slow

TEXT, DAY, NUMBER, MOMENT, MONEY, COUNT, FLAG = (
    "VARCHAR", "DATE", "DOUBLE", "TIMESTAMP WITH TIME ZONE", "DECIMAL(18,4)", "BIGINT", "BOOLEAN",
)  # fmt: skip


def _typed(**names: str) -> dict[str, str]:
    """Column names by type, `_typed(VARCHAR="metric grain")`, as a mapping of name to type."""
    return {name: kind for kind, listed in names.items() for name in listed.split()}


def _amounts(*names: str) -> dict[str, str]:
    """An amount in the reporting currency and in its own."""
    return dict.fromkeys([*names, *(f"{name}_native" for name in names)], MONEY)


KEYS = {"store_id": TEXT, "date": DAY}
PROMISED: Mapping[str, Mapping[str, str]] = {
    "kpi.kpi_values": _typed(
        VARCHAR="metric grain scope_type scope_id currency status", DATE="period_start as_of",
        DOUBLE="value numerator denominator", INTEGER="definition_version",
    ),
    "kpi.kpi_cuts": _typed(
        VARCHAR="metric grain cut region platform store_id category channel product_id campaign_id status",
        DATE="period_start", DOUBLE="value numerator denominator",
    ),
    "kpi.metric_catalog": _typed(
        VARCHAR="metric name_en name_zh description formula unit direction kind time_basis currency_policy null_policy"
        " owner", INTEGER="version", DATE="effective_from review_by",
    ),
    "kpi.kpi_breaches": _typed(
        VARCHAR="rule_id metric scope_type scope_id severity state", DATE="period_start", DOUBLE="value threshold"
    ),
    "core.dim_store": _typed(VARCHAR="store_id platform region currency timezone stage org_unit", DATE="opened_on"),
    "core.dim_product": _typed(VARCHAR="product_id name category"),
    "core.dim_date": _typed(DATE="date week_start month_start quarter_start year_start"),
    "core.dim_campaign": _typed(VARCHAR="campaign_id store_id network name"),
    "core.dim_org_unit": _typed(VARCHAR="org_unit parent name kind manager"),
    "core.fct_order_line": KEYS | _amounts("gmv", "discounts", "cogs", "first_leg")
    | _typed(VARCHAR="order_id sku product_id category channel currency buyer_key", BIGINT="units quantity"),
    "core.fct_refund": KEYS | _amounts("refunds") | _typed(VARCHAR="order_id sku currency", BIGINT="quantity"),
    "core.fct_ledger_entry": KEYS | _amounts("amount") | _typed(VARCHAR="order_id sku component currency"),
    "core.fct_ad_daily": KEYS | _amounts("ad_spend", "ad_sales")
    | _typed(VARCHAR="network campaign_id ad_group_id sku currency", BIGINT="impressions clicks ad_orders"),
    "core.fct_inventory_daily": KEYS | {"sku": TEXT, "demand_30d": "DECIMAL(18,6)"} | _typed(
        BIGINT="on_hand_units sellable_units inbound_units reserved_units in_stock_sku_days listed_sku_days"
    ),
    "audit.load": _typed(
        VARCHAR="run_id source_id system resource status error", DATE="window_from window_to",
        BIGINT="rows_landed rows_quarantined",
    ) | dict.fromkeys(["started_at", "finished_at"], MOMENT),
    "audit.quarantine": _typed(VARCHAR="source_id resource file reason", BIGINT="line"),
    "audit.freshness": _typed(VARCHAR="source_id store_id verdict", DATE="newest_day", BIGINT="sla_hours")
    | {"landed_at": MOMENT},
    "audit.reconciliation": _typed(VARCHAR="control store_id reason verdict", DATE="period_start")
    | dict.fromkeys(["left_value", "right_value", "difference", "tolerance", "explained"], "DECIMAL(28,4)"),
    "audit.alert": _typed(
        VARCHAR="alert_key rule_id metric scope_type scope_id event channel slack_ts", DATE="period_start"
    ) | {"at": MOMENT},
    "audit.definition_change": _typed(
        VARCHAR="metric changed_by formula_from formula_to reason", INTEGER="version", DATE="changed_on"
    ),
}  # fmt: skip
STORE_DAY = {"store_id": TEXT, "date": DAY, "platform": TEXT, "region": TEXT, "currency": TEXT, "status": TEXT}
TYPE_OF_UNIT = {"currency": MONEY, "count": COUNT, "ratio": NUMBER, "days": NUMBER}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(tmp_path_factory.mktemp("promised") / "data")
    store = {"store_id": "us", "platform": "amazon", "region": "US", "currency": "USD", "opened_on": date(2026, 2, 27)}
    lake.company(
        [store | {"timezone": "America/Los_Angeles"}],
        [{"source_id": "us_sp", "system": "amazon", "store_id": "us"}],
    )
    ordered = "2026-02-27 20:00:00+00"
    order = {"order_id": "O1", "created_at": ordered, "updated_at": ordered, "status": "SHIPPED", "currency": "USD"}
    item = {"order_id": "O1", "order_item_id": "1", "order_updated_at": ordered, "sku": "A", "quantity_ordered": 2}
    lake.land("amazon", "us_sp", {
        "orders": [order],
        "order_items": [item | {"item_price": Decimal("30"), "discount": Decimal("5")}],
    })  # fmt: skip
    lake.build("path:models", "path:seeds", "path:tests")
    return lake


def _columns(lake: Lake, table: str) -> dict[str, str]:
    schema, name = table.split(".")
    return dict(
        lake.rows(
            "SELECT column_name, data_type FROM duckdb_columns() "
            f"WHERE schema_name = '{schema}' AND table_name = '{name}'"
        )
    )


@pytest.mark.parametrize("table", PROMISED)
def test_promised_columns_are_there_with_their_types(built: Lake, table: str) -> None:
    columns = _columns(built, table)
    assert PROMISED[table].items() <= columns.items()


def test_kpi_daily_has_a_column_per_metric_of_the_catalogue_typed_by_its_unit(built: Lake) -> None:
    catalogue = dict(built.rows("SELECT metric, unit FROM kpi.metric_catalog"))
    assert {"gmv", "orders", "units", "contribution_profit", "days_of_cover"} <= catalogue.keys()
    # Mean daily units: a count that is no whole number.
    metrics = {name: TYPE_OF_UNIT[unit] for name, unit in catalogue.items()} | {"demand_30d": NUMBER}
    assert _columns(built, "kpi.kpi_daily") == STORE_DAY | metrics


def test_kpi_values_are_of_the_catalogue_and_inputs_of_metrics_are_not_published(built: Lake) -> None:
    catalogue = {name for (name,) in built.rows("SELECT metric FROM kpi.metric_catalog")}
    assert {name for (name,) in built.rows("SELECT DISTINCT metric FROM kpi.kpi_values")} == catalogue
    assert not {"cogs_known", "orders_outside_ledger", "merchandise_sales"} & catalogue
    assert built.rows(
        "SELECT value, numerator, denominator, currency FROM kpi.kpi_values "
        "WHERE metric = 'aov' AND grain = 'day' AND scope_type = 'store' AND period_start = DATE '2026-02-27'"
    ) == [(25.0, 25.0, 1.0, "USD")]


def test_kpi_daily_has_a_row_per_store_and_day_since_it_opened(built: Lake) -> None:
    assert built.rows("SELECT date, store_id FROM kpi.kpi_daily ORDER BY date") == [
        (date(2026, 2, 27), "us"),
        (date(2026, 2, 28), "us"),
    ]
