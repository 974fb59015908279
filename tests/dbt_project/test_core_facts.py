"""The settled questions of the core facts, over a tiny lake of one US and one JP store."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.dbt_project.lake import Lake

US = {"store_id": "us", "platform": "amazon", "region": "US", "currency": "USD", "timezone": "America/Los_Angeles"}
JP = {"store_id": "jp", "platform": "amazon", "region": "JP", "currency": "JPY", "timezone": "Asia/Tokyo"}
SOURCES = [
    {"source_id": "us_sp", "system": "amazon", "store_id": "us"},
    {"source_id": "jp_sp", "system": "amazon", "store_id": "jp"},
    {"source_id": "us_ads", "system": "amazon_ads", "store_id": "us"},
]


def order(order_id: str, created: str, status: str = "SHIPPED", currency: str = "USD", **more: Any) -> dict[str, Any]:
    return {"order_id": order_id, "created_at": created, "updated_at": created, "status": status,
            "currency": currency, "fulfilled_by": "AMAZON", "is_replacement": False} | more  # fmt: skip


def item(order_id: str, updated: str, price: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    return {"order_id": order_id, "order_item_id": f"{order_id}-1", "order_updated_at": updated, "sku": "A",
            "quantity_ordered": quantity, "item_price": Decimal(price), "discount": Decimal("0"),
            "is_cancelled": False} | more  # fmt: skip


def entry(name: str, posted: str, leaf: str, amount: str, number: int = 0, **more: Any) -> dict[str, Any]:
    path = {"Commission": "AmazonFees/Commission", "OurPriceDiscount": "PromoRebates/OurPriceDiscount",
            "OurPricePrincipal": "ProductCharges/OurPricePrincipal"}.get(leaf, f"AmazonFees/{leaf}")  # fmt: skip
    return {"transaction_id": name, "entry_no": number, "transaction_type": "Shipment",
            "transaction_status": "RELEASED", "posted_at": posted, "order_id": "O1", "item_no": 0, "sku": "A",
            "quantity": 1, "breakdown_path": path, "breakdown_type": leaf, "amount": Decimal(amount),
            "currency": "USD"} | more  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake(tmp_path_factory.mktemp("core") / "data")
    made.company([US, JP], SOURCES)
    late = "2026-01-10 07:59:00+00"  # 23:59 on the 9th in Los Angeles
    made.land("amazon", "us_sp", {
        "orders": [
            order("O1", late), order("O2", "2026-01-10 08:01:00+00", "CANCELLED"),
            order("O3", "2026-01-10 09:00:00+00", is_replacement=True),
            order("O4", "2026-01-10 09:00:00+00"),
        ],
        "order_items": [
            item("O1", late, "30", 3, discount=Decimal("2.5")), item("O2", "2026-01-10 08:01:00+00", "10"),
            item("O3", "2026-01-10 09:00:00+00", "10"), item("O4", "2026-01-10 09:00:00+00", "99"),
        ],
        "transactions": [
            entry("D1", "2026-01-11 20:00:00+00", "Commission", "-4.50", transaction_status="DEFERRED"),
            entry("F1", "2026-01-20 20:00:00+00", "OurPricePrincipal", "-10", transaction_type="Refund"),
            entry("F1", "2026-01-20 20:00:00+00", "OurPriceDiscount", "0.83", 1, transaction_type="Refund"),
            entry("F1", "2026-01-20 20:00:00+00", "OurPriceTax", "-0.90", 2, transaction_type="Refund"),
            entry("X1", "2026-01-20 20:00:00+00", "BrandNewFee", "-7", order_id=None),
            entry("D4", "2026-01-12 20:00:00+00", "OurPricePrincipal", "12", order_id="O4",
                  transaction_status="DEFERRED"),
            entry("T4", "2026-01-12 20:00:00+00", "OurPriceTax", "1", order_id="O4"),
        ],
    })  # fmt: skip
    made.land("amazon", "us_sp", {
        "orders": [order("O4", "2026-01-10 09:00:00+00", updated_at="2026-01-12 09:00:00+00")],
        "order_items": [item("O4", "2026-01-12 09:00:00+00", "12")],
        "transactions": [
            entry("D1", "2026-01-11 20:00:00+00", "Commission", "-4.50", transaction_status="DEFERRED_RELEASED",
                  release_transaction_id="R1"),
            entry("R1", "2026-01-16 20:00:00+00", "Commission", "-4.80", deferred_transaction_id="D1"),
        ],
    })  # fmt: skip
    # A back-fill brings the older version of O4 in a newer load; a crashed load is not seen at all.
    made.land("amazon", "us_sp", {
        "orders": [order("O4", "2026-01-10 09:00:00+00")],
        "order_items": [item("O4", "2026-01-10 09:00:00+00", "99")],
    })  # fmt: skip
    made.land(
        "amazon", "us_sp", {"orders": [order("O9", late)], "order_items": [item("O9", late, "5")]}, complete=False
    )
    made.land("amazon", "jp_sp", {
        "orders": [order("J1", "2026-01-10 15:30:00+00", currency="JPY"), order("J2", "2026-02-10 01:00:00+00")],
        "order_items": [
            item("J1", "2026-01-10 15:30:00+00", "1500", currency="JPY"),
            item("J2", "2026-02-10 01:00:00+00", "1500", currency="JPY"),
        ],
    })  # fmt: skip
    for clicks, days in ((5, (1, 2)), (7, (2,))):
        made.land("amazon_ads", "us_ads", {
            "meta_coverage": [
                {"resource": "sp_advertised_product", "account": "P", "day": date(2026, 1, day)} for day in (1, 2)
            ],
            "sp_advertised_product": [
                {"report_date": date(2026, 1, day), "account_id": "P", "campaign_id": "C", "ad_group_id": "G",
                 "ad_id": str(day), "sku": "A", "impressions": 100, "clicks": clicks, "cost": Decimal("1.23"),
                 "sales_7d": Decimal("9"), "purchases_7d": 1} for day in days
            ],
        })  # fmt: skip
    made.land("fx", "fx_rates", {"rates": [
        {"rate_date": date(2026, 1, 9), "base": "EUR", "quote": "USD", "rate": Decimal("1.2")},
        {"rate_date": date(2026, 1, 9), "base": "EUR", "quote": "JPY", "rate": Decimal("180")},
    ]})  # fmt: skip
    made.land("files", "reference", {"products": [
        {"sku": "A", "product_id": "P-A", "category": "tents", "cost": Decimal("4"), "first_leg": Decimal("1"),
         "currency": "USD", "effective_from": date(2026, 1, 10)},
        {"sku": "A", "product_id": "P-A", "category": "tents", "cost": Decimal("5"), "first_leg": Decimal("1"),
         "currency": "USD", "effective_from": date(2026, 2, 1)},
    ]})  # fmt: skip
    made.build()
    return made


def lines(lake: Lake, order_id: str, columns: str) -> list[tuple[Any, ...]]:
    return lake.rows(f"SELECT {columns} FROM core.fct_order_line WHERE order_id = '{order_id}'")


def test_order_a_minute_before_local_midnight_belongs_to_that_local_day(lake: Lake) -> None:
    assert lines(lake, "O1", "date, units, gmv, discounts, product_id") == [
        (date(2026, 1, 9), 3, Decimal("30.0000"), Decimal("2.5000"), "P-A")
    ]


def test_first_known_cost_also_covers_earlier_days(lake: Lake) -> None:
    assert lines(lake, "O1", "cogs, first_leg") == [(Decimal("12.0000"), Decimal("3.0000"))]


def test_cancelled_order_is_counted_as_cancelled_and_in_no_sales_figure(lake: Lake) -> None:
    assert lines(lake, "O2", "is_cancelled_order, units, gmv, cogs") == [(True, 0, 0, 0)]


def test_replacement_is_no_sale_but_costs_its_goods(lake: Lake) -> None:
    assert lines(lake, "O3", "units, gmv, cogs") == [(0, 0, Decimal("4.0000"))]


def test_backfilled_older_version_of_an_order_does_not_win(lake: Lake) -> None:
    assert lines(lake, "O4", "gmv") == [(Decimal("12.0000"),)]


def test_rows_of_a_load_that_never_completed_are_not_seen(lake: Lake) -> None:
    assert lines(lake, "O9", "gmv") == []


def test_yen_convert_by_the_common_base_and_the_last_rate_carries_over_the_weekend(lake: Lake) -> None:
    # 1.2 / 180 = 0.0066666667 to ten places.
    assert lines(lake, "J1", "date, gmv_native, gmv") == [(date(2026, 1, 11), Decimal("1500.0000"), Decimal("10.0000"))]


def test_rate_older_than_seven_days_leaves_the_amount_unknown_and_says_so(lake: Lake) -> None:
    assert lines(lake, "J2", "gmv_native, gmv") == [(Decimal("1500.0000"), None)]
    assert lake.rows(
        "SELECT left_value, verdict FROM audit.reconciliation WHERE control = 'warn_rate_present_order_line'"
        " AND store_id = 'jp' AND period_start = DATE '2026-02-01'"
    ) == [(1, "warn")]


def test_refund_is_net_of_promotion_and_without_tax(lake: Lake) -> None:
    assert lake.rows("SELECT date, refunds FROM core.fct_refund") == [(date(2026, 1, 20), Decimal("9.1700"))]


def test_released_entry_counts_once_on_the_day_of_its_first_posting(lake: Lake) -> None:
    assert lake.rows("SELECT date, amount, settled FROM core.fct_ledger_entry WHERE component = 'platform_fees'") == [
        (date(2026, 1, 11), Decimal("4.8000"), True)
    ]


def test_order_is_settled_once_all_of_it_is_released_and_at_once_when_cancelled(lake: Lake) -> None:
    assert {name: lines(lake, name, "settled") for name in ("O1", "O2", "O4", "J1")} == {
        "O1": [(True,)], "O2": [(True,)], "O4": [(False,)], "J1": [(False,)],
    }  # fmt: skip


def test_unknown_breakdown_is_a_cost_that_warns(lake: Lake) -> None:
    assert lake.rows("SELECT amount FROM core.fct_ledger_entry WHERE component = 'other_fees'") == [(7,)]
    assert lake.rows(
        "SELECT max(left_value) FROM audit.reconciliation WHERE control = 'warn_ledger_breakdown_known'"
    ) == [(1,)]


def test_row_that_the_ad_network_withdrew_disappears(lake: Lake) -> None:
    assert lake.rows("SELECT date, clicks FROM core.fct_ad_daily ORDER BY date") == [(date(2026, 1, 2), 7)]


def test_healthy_company_fails_no_control(lake: Lake) -> None:
    assert lake.rows("SELECT * FROM audit.reconciliation WHERE verdict = 'fail'") == []


def test_building_again_changes_no_row(lake: Lake) -> None:
    before = lake.rows("FROM core.fct_order_line ORDER BY ALL")
    lake.build(full_refresh=True)
    assert lake.rows("FROM core.fct_order_line ORDER BY ALL") == before


def test_held_store_keeps_its_published_rows(lake: Lake) -> None:
    with duckdb.connect(str(lake.root / "published.duckdb")) as connection:
        connection.execute("CREATE SCHEMA core")
        connection.execute(f"ATTACH '{lake.warehouse}' AS built (READ_ONLY)")
        connection.execute("CREATE TABLE core.fct_order_line AS FROM built.core.fct_order_line WHERE order_id = 'O1'")
    (lake.root / "state" / "run" / "held.jsonl").write_text('{"store_id": "us", "since": "x", "check": "y"}\n')
    lake.build("kpi_held_store")
    attach = "{% if execute %}{% do run_query(attach_published()) %}{% endif %}"
    accepted = "select distinct order_id from {{ accepted('fct_order_line') }} order by 1"
    assert lake.show(attach + accepted) == ["J1", "J2", "O1"]
