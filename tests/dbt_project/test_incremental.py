"""An incremental build equals a full one, row for row, whatever loads and reference tables brought in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_project.lake import Lake

pytestmark = pytest.mark.slow

STORES = [
    {"store_id": "us", "platform": "amazon", "region": "US", "currency": "USD", "timezone": "America/Los_Angeles",
     "opened_on": date(2026, 1, 1), "stage": "growth"},
    {"store_id": "jp", "platform": "amazon", "region": "JP", "currency": "JPY", "timezone": "Asia/Tokyo",
     "opened_on": date(2026, 1, 1), "stage": "new"},
    {"store_id": "shop", "platform": "own_site", "region": "EU", "currency": "EUR", "timezone": "Europe/Paris",
     "opened_on": date(2026, 1, 1), "stage": "mature"},
]  # fmt: skip
SOURCES = [
    {"source_id": "us_sp", "system": "amazon", "store_id": "us"},
    {"source_id": "jp_sp", "system": "amazon", "store_id": "jp"},
    {"source_id": "us_ads", "system": "amazon_ads", "store_id": "us"},
    {"source_id": "shop_orders", "system": "files", "store_id": "shop", "entity": "order_line"},
    {"source_id": "shop_ledger", "system": "files", "store_id": "shop", "entity": "ledger_entry"},
    {"source_id": "fx", "system": "fx"},
]
DAY = date(2026, 1, 5)


def order(name: str, day: int, updated: int | None = None, status: str = "SHIPPED") -> dict[str, Any]:
    created = f"{DAY + timedelta(days=day)} 20:00:00+00"
    last = f"{DAY + timedelta(days=updated or day)} 21:00:00+00"
    return {"order_id": name, "created_at": created, "updated_at": last, "status": status, "fulfilled_by": "AMAZON",
            "is_replacement": False}  # fmt: skip


def item(of: dict[str, Any], price: str, sku: str = "A", currency: str = "USD") -> dict[str, Any]:
    return {"order_id": of["order_id"], "order_item_id": of["order_id"] + "-1", "order_updated_at": of["updated_at"],
            "sku": sku, "quantity_ordered": 2, "item_price": Decimal(price), "discount": Decimal("0.5"),
            "is_cancelled": False, "currency": currency}  # fmt: skip


def posting(
    name: str, day: int, amount: str, order_id: str | None, leaf: str = "Commission", **more: Any
) -> dict[str, Any]:
    return {"transaction_id": name, "entry_no": 0, "transaction_type": "Shipment", "transaction_status": "RELEASED",
            "posted_at": f"{DAY + timedelta(days=day)} 20:00:00+00", "order_id": order_id, "item_no": 0, "sku": "A",
            "quantity": 1, "breakdown_path": f"AmazonFees/{leaf}", "breakdown_type": leaf, "amount": Decimal(amount),
            "currency": "USD"} | more  # fmt: skip


def ad(day: int, clicks: int) -> dict[str, Any]:
    return {"report_date": DAY + timedelta(days=day), "account_id": "P", "campaign_id": "C", "ad_group_id": "G",
            "ad_id": "1", "sku": "A", "impressions": 100, "clicks": clicks, "cost": Decimal("1.23"),
            "sales_7d": Decimal("9"), "purchases_7d": 1}  # fmt: skip


def covered(resource: str, account: str, *days: int) -> list[dict[str, Any]]:
    return [{"resource": resource, "account": account, "day": DAY + timedelta(days=day)} for day in days]


def stock(report: str, day: int, **units: int) -> list[dict[str, Any]]:
    return [{"snapshot_at": f"{DAY + timedelta(days=day)} 22:00:00+00", "report_id": report, "sku": sku,
             "fulfillable_units": n, "warehouse_units": n, "reserved_units": 0, "inbound_working_units": 0,
             "inbound_shipped_units": 0, "inbound_receiving_units": 0} for sku, n in units.items()]  # fmt: skip


def file_of(name: str, content: str, entity: str, *rows: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    common = {"file_name": name, "file_hash": content}
    return {
        entity: [common | {"row_number": number} | row for number, row in enumerate(rows, 1)],
        "meta_file": [{"resource": entity, "file_name": name, "sha256": content}],
        "meta_coverage": [{"resource": entity, "account": "s", "day": row["business_date"]} for row in rows],
    }


def sale(order_id: str, day: int, price: str, kind: str = "sale") -> dict[str, Any]:
    return {"row_kind": kind, "order_id": order_id, "business_date": DAY + timedelta(days=day), "sku": "B",
            "quantity": 1, "unit_price": Decimal(price), "currency": "EUR", "category": "lamps"}  # fmt: skip


def fee(order_id: str, day: int, amount: str) -> dict[str, Any]:
    return {"entry_id": order_id, "order_id": order_id, "business_date": DAY + timedelta(days=day),
            "component": "payment_fees", "amount": Decimal(amount), "currency": "EUR"}  # fmt: skip


def products(cost: str, category: str) -> list[dict[str, Any]]:
    same = {"category": category, "cost": Decimal(cost), "first_leg": Decimal("1"), "currency": "USD",
            "effective_from": date(2026, 1, 1)}  # fmt: skip
    return [same | {"sku": sku, "product_id": f"P-{sku}"} for sku in "AB"]


def rates(day: int, usd: str) -> list[dict[str, Any]]:
    when = DAY + timedelta(days=day)
    return [{"rate_date": when, "base": "EUR", "quote": "USD", "rate": Decimal(usd)},
            {"rate_date": when, "base": "EUR", "quote": "JPY", "rate": Decimal("180")}]  # fmt: skip


@dataclass
class Twins:
    """One lake, a warehouse that is built on from step to step, and one that is made anew to compare it with."""

    grown: Lake
    fresh: Lake

    def die_half_way(self, as_of: date) -> None:
        """Build the facts alone, as a run does that is killed before the KPI tables."""
        self.grown.build(as_of=as_of.isoformat())

    def check(self, as_of: date, held: tuple[str, ...] = ()) -> None:
        """Build both and compare every table of core, kpi and audit."""
        run = self.grown.root / "state" / "run"
        run.mkdir(parents=True, exist_ok=True)
        (run / "held.jsonl").write_text("".join(json.dumps({"store_id": s, "since": "x"}) + "\n" for s in held))
        self.fresh.warehouse.unlink(missing_ok=True)
        for lake in (self.grown, self.fresh):
            lake.build("path:models", "path:seeds", as_of=as_of.isoformat())
        differing = _differing(self.grown.warehouse, self.fresh.warehouse)
        assert differing == {}, f"tables that differ, rows only in the grown and only in the full one: {differing}"


def _differing(grown: Path, fresh: Path) -> dict[str, tuple[int, int]]:
    found = {}
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"attach '{grown}' as grown (read_only)")
        db.execute(f"attach '{fresh}' as fresh (read_only)")
        tables = db.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'fresh' "
            "and schema_name in ('core', 'kpi', 'audit') order by all"
        ).fetchall()
        assert ("kpi.kpi_values",) in tables
        for (table,) in tables:
            counts = [
                db.execute(
                    f"select count(*) from (select * from {left}.{table} except all select * from {right}.{table})"
                ).fetchone()
                for left, right in (("grown", "fresh"), ("fresh", "grown"))
            ]
            left_only, right_only = (count[0] if count else -1 for count in counts)
            if left_only or right_only:
                found[table] = (left_only, right_only)
    return found


@pytest.fixture
def twins(tmp_path: Path) -> Iterator[Twins]:
    grown = Lake(tmp_path / "data")
    fresh = Lake(tmp_path / "data")
    fresh.warehouse = tmp_path / "fresh" / "warehouse.duckdb"
    fresh.warehouse.parent.mkdir()
    grown.company(STORES, SOURCES)
    grown.land("files", "reference", {"products": products("4", "tents")})
    grown.land("fx", "fx", {"rates": rates(0, "1.2") + rates(9, "1.1")})
    old, young, japan = order("O1", 0), order("O2", 8), order("J1", 3)
    grown.land("amazon", "us_sp", {
        "orders": [old, young], "order_items": [item(old, "30"), item(young, "20")],
        "meta_coverage": covered("orders", "M", *range(10)) + covered("transactions", "M", *range(10)),
        "transactions": [posting("T1", 1, "-3", "O1"),
                         posting("D1", 2, "-4", "O2", transaction_status="DEFERRED")],
    })  # fmt: skip
    grown.land("amazon", "jp_sp", {
        "orders": [japan], "order_items": [item(japan, "1500", currency="JPY")],
        "meta_coverage": covered("orders", "M", *range(10)),
    })  # fmt: skip
    grown.land("amazon", "us_sp", {"fba_inventory": stock("R1", 3, A=5, B=1) + stock("R2", 6, A=4)})
    grown.land("amazon_ads", "us_ads", {
        "sp_advertised_product": [ad(0, 5), ad(1, 6), ad(2, 7)],
        "meta_coverage": covered("sp_advertised_product", "P", *range(10)),
    })  # fmt: skip
    grown.land("files", "shop_orders", file_of("a.csv", "h1", "order_line", sale("S1", 0, "10"), sale("S2", 1, "11")))
    grown.land(
        "files", "shop_orders", file_of("b.csv", "h2", "order_line", sale("S3", 4, "12"), sale("S1", 4, "2", "refund"))
    )
    grown.land("files", "shop_ledger", file_of("l.csv", "h3", "ledger_entry", fee("S1", 1, "0.3"), fee("S2", 1, "0.4")))
    yield Twins(grown, fresh)


def test_incremental_builds_equal_a_full_one_through_restatements_and_changed_references(twins: Twins) -> None:
    lake = twins.grown
    twins.check(DAY + timedelta(days=10))

    # new and changed orders, a cancellation, a restated and an emptied ad day, a file that came again with other days
    cancelled, changed, new = order("O1", 0, 9, "CANCELLED"), order("O2", 8, 10), order("O3", 10)
    late = lake.land("amazon", "us_sp", {
        "orders": [cancelled, changed, new], "order_items": [item(changed, "25"), item(new, "7", "B")],
        "meta_coverage": covered("orders", "M", 8, 9, 10, 11),
    }, load_id="1795000000.000900")  # fmt: skip
    lake.land("amazon_ads", "us_ads", {
        "sp_advertised_product": [ad(1, 60)], "meta_coverage": covered("sp_advertised_product", "P", 1, 2, 10),
    }, load_id="1795000000.000901")  # fmt: skip
    lake.land("files", "shop_orders", file_of("a.csv", "h9", "order_line", sale("S1", 0, "10"), sale("S4", 2, "13")),
              load_id="1795000000.000902")  # fmt: skip
    twins.die_half_way(DAY + timedelta(days=12))
    twins.check(DAY + timedelta(days=12))

    # a load that finished out of order, the release of a deferred posting, a refund, stock, a ledger file replaced
    lake.land("amazon", "us_sp", {
        "orders": [order("O0", 7), order("O3", 10, 10)], "order_items": [item(order("O0", 7), "70")],
    }, load_id=late.replace("900", "899"))  # fmt: skip
    lake.land("amazon", "us_sp", {
        "transactions": [
            posting("R1", 11, "-4.5", "O2", deferred_transaction_id="D1"),
            posting("F1", 12, "-5", "O3", leaf="OurPricePrincipal", transaction_type="Refund"),
        ],
        "fba_inventory": stock("R3", 12, A=1, B=0), "meta_coverage": covered("transactions", "M", 10, 11, 12),
    }, load_id="1795000000.000903")  # fmt: skip
    lake.land(
        "files",
        "shop_ledger",
        file_of("l.csv", "h8", "ledger_entry", fee("S1", 2, "0.35")),
        load_id="1795000000.000904",
    )
    lake.land("files", "shop_orders", file_of("b.csv", "h7", "order_line"), load_id="1795000000.000908")
    twins.check(DAY + timedelta(days=13))
    assert lake.rows("select count(*) from core.fct_order_line where order_id = 'S3'") == [(0,)]

    # a cost and a category, a corrected rate, a source more, and so late that the ad days settle
    lake.land("files", "reference", {"products": products("4.5", "camping")}, load_id="1795000000.000905")
    lake.land("fx", "fx", {"rates": rates(0, "1.25")}, load_id="1795000000.000906")
    lake.land("files", "reference", {"company_source": [*SOURCES, {"source_id": "jp_ads", "system": "amazon_ads",
              "store_id": "jp"}]}, load_id="1795000000.000907")  # fmt: skip
    twins.check(DAY + timedelta(days=60))


def test_a_store_that_is_held_and_accepted_again_or_leaves_equals_a_full_build(twins: Twins) -> None:
    twins.check(DAY + timedelta(days=10), held=("us",))
    twins.check(DAY + timedelta(days=11))
    twins.grown.land("files", "reference", {"company_store": STORES[1:]}, load_id="1795000000.000910")
    twins.check(DAY + timedelta(days=9))
