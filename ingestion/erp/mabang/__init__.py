"""Mabang products (purchase and first-leg cost, CNY) and stock, through its signed gateway."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from ingestion.company import Source
from ingestion.connector import Connector, Covered, Event, Quarantined, Request, Resource, Rows, SourceError
from ingestion.erp.mabang.gateway import PRODUCTS as PRODUCTS_API
from ingestion.erp.mabang.gateway import Gateway
from ingestion.http import Client
from ingestion.values import Unknown, ident, money, text, whole

_TEXT, _COUNT, _MOMENT, _MONEY = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC"), pa.decimal128(20, 9)
PRODUCTS = pa.schema([
    ("sku", _TEXT), ("name", _TEXT), ("category", _TEXT), ("purchase_cost", _MONEY), ("first_leg_cost", _MONEY),
    ("currency", _TEXT), ("updated_at", _MOMENT),
])  # fmt: skip
STOCK = pa.schema([
    ("sku", _TEXT), ("warehouse_id", _TEXT), ("warehouse_name", _TEXT), ("on_hand_units", _COUNT),
    ("sellable_units", _COUNT), ("inbound_units", _COUNT), ("snapshot_at", _MOMENT),
])  # fmt: skip
# Fields that the gateway's pages document, landed or left out on purpose.
KNOWN_PRODUCT = frozenset({
    "stockSku", "salesSku", "originalSku", "nameCN", "nameEN", "status", "parentCategoryName", "categoryName",
    "thirdCategoryName", "defaultCost", "stockCost", "standardPrice", "purchasePrice", "firstLegCost", "salePrice",
    "declareValue", "currency", "currencyRate", "timeCreated", "timeModified", "stockWarningDays",
    "stockWarningQuantity", "provider", "warehouse", "label", "attributes", "machining",
})  # fmt: skip
KNOWN_STOCK = frozenset({"stockSku", "updateTime", "warehouse"})
KNOWN_PLACE = frozenset({
    "warehouseId", "warehouseName", "stockQuantity", "availableStockQuantity", "waitingQuantity", "shippingQuantity",
    "allotShippingQuantity", "processingQuantity", "hwc_in_transit_quantity", "manualInboundQuantity",
    "fbaWaitingQuantity", "transfer_warehouse_quantity",
})  # fmt: skip
Shape = Callable[[dict[str, Any]], list[dict[str, Any]]]


def connect(source: Source, client: Client | None = None) -> Connector:
    """Resources `products` and `stock`. Raises SourceError when APP_KEY or TOKEN is not set or an option is none."""
    gateway = Gateway(source, client)
    currency = str(source.options.get("currency") or "CNY")
    try:
        zone = ZoneInfo(str(source.options.get("timezone") or "Asia/Shanghai"))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise SourceError(f"{source.id}: timezone is not a time zone; leave it out for Beijing time") from None

    def check() -> str:
        gateway.call(PRODUCTS_API, {"maxRows": 1})
        return f"{source.id}: connected to Mabang"

    def products(request: Request) -> Iterator[Event]:
        def shape(entry: dict[str, Any]) -> list[dict[str, Any]]:
            return [_product(entry, currency, zone)]

        yield from _land("products", gateway.products(), shape, KNOWN_PRODUCT, PRODUCTS)
        yield Covered(source.id, [request.as_of_day])

    def stock(request: Request) -> Iterator[Event]:
        skus = [str(entry["stockSku"]) for entry in gateway.products() if entry.get("stockSku")]
        yield from _land("stock", gateway.stock(skus), lambda entry: _stock(entry, zone), KNOWN_STOCK, STOCK)
        yield Covered(source.id, [request.as_of_day])

    return Connector(
        [Resource("products", {"products": PRODUCTS}, products), Resource("stock", {"stock": STOCK}, stock)], check
    )


def _land(
    table: str, found: Iterable[dict[str, Any]], shape: Shape, known: frozenset[str], schema: pa.Schema
) -> Iterator[Event]:
    rows: list[dict[str, Any]] = []
    unknown = Unknown(table)
    for line, entry in enumerate(found, 1):
        try:
            rows += shape(entry)
        except (KeyError, ValueError, TypeError, AttributeError):
            yield Quarantined(table, f"mabang {table}", line, "a needed field is missing or not of its type")
            continue
        yield from unknown.look(entry, known)
        if table == "stock":
            for place in entry["warehouse"]:
                yield from unknown.look(place, KNOWN_PLACE, "warehouse")
    if rows:
        yield Rows(table, pa.Table.from_pylist(rows, schema=schema))


def _product(entry: dict[str, Any], currency: str, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "sku": ident(entry["stockSku"]), "name": text(entry.get("nameCN")) or text(entry.get("nameEN")),
        "category": text(entry.get("categoryName")), "purchase_cost": _cost(entry),
        "first_leg_cost": money(entry.get("firstLegCost")), "currency": text(entry.get("currency")) or currency,
        "updated_at": _moment(entry.get("timeModified"), zone) or _moment(entry.get("timeCreated"), zone),
    }  # fmt: skip


def _cost(entry: dict[str, Any]) -> Decimal | None:
    """The newest purchase price; an unfilled one is 0 in Mabang, and then the SKU's standard cost holds."""
    price = money(entry.get("purchasePrice"))
    return price or money(entry.get("defaultCost")) or price


def _stock(entry: dict[str, Any], zone: ZoneInfo) -> list[dict[str, Any]]:
    taken = _moment(entry["updateTime"], zone)
    if taken is None:
        raise ValueError("updateTime")
    return [{
        "sku": ident(entry["stockSku"]), "warehouse_id": ident(place["warehouseId"]),
        "warehouse_name": text(place.get("warehouseName")), "on_hand_units": whole(place.get("stockQuantity")),
        "sellable_units": whole(place.get("availableStockQuantity")),
        "inbound_units": whole(place.get("shippingQuantity")), "snapshot_at": taken,
    } for place in entry["warehouse"]]  # fmt: skip


def _moment(value: Any, zone: ZoneInfo) -> datetime | None:
    """A wall-clock time of the account; MySQL's zero date is none."""
    if not value or str(value).startswith("0000"):
        return None
    return datetime.fromisoformat(value).replace(tzinfo=zone).astimezone(UTC)
