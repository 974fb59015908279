"""A small company in which much happens, as rows of its lake: days count from DAY."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.dbt_project.lake import Lake

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


def land_first(lake: Lake) -> None:
    """Ten days of three stores, every connector's system but the ERP."""
    lake.company(STORES, SOURCES)
    lake.land("files", "reference", {"products": products("4", "tents")})
    lake.land("fx", "fx", {"rates": rates(0, "1.2") + rates(9, "1.1")})
    old, young, japan = order("O1", 0), order("O2", 8), order("J1", 3)
    lake.land("amazon", "us_sp", {
        "orders": [old, young], "order_items": [item(old, "30"), item(young, "20")],
        "meta_coverage": covered("orders", "M", *range(10)) + covered("transactions", "M", *range(10)),
        "transactions": [posting("T1", 1, "-3", "O1"),
                         posting("D1", 2, "-4", "O2", transaction_status="DEFERRED")],
    })  # fmt: skip
    lake.land("amazon", "jp_sp", {
        "orders": [japan], "order_items": [item(japan, "1500", currency="JPY")],
        "meta_coverage": covered("orders", "M", *range(10)),
    })  # fmt: skip
    lake.land("amazon", "us_sp", {"fba_inventory": stock("R1", 3, A=5, B=1) + stock("R2", 6, A=4)})
    lake.land("amazon_ads", "us_ads", {
        "sp_advertised_product": [ad(0, 5), ad(1, 6), ad(2, 7)],
        "meta_coverage": covered("sp_advertised_product", "P", *range(10)),
    })  # fmt: skip
    lake.land("files", "shop_orders", file_of("a.csv", "h1", "order_line", sale("S1", 0, "10"), sale("S2", 1, "11")))
    lake.land(
        "files", "shop_orders", file_of("b.csv", "h2", "order_line", sale("S3", 4, "12"), sale("S1", 4, "2", "refund"))
    )
    lake.land("files", "shop_ledger", file_of("l.csv", "h3", "ledger_entry", fee("S1", 1, "0.3"), fee("S2", 1, "0.4")))
