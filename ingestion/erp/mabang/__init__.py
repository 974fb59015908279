"""Mabang products (purchase and first-leg cost, CNY) and stock, through its signed gateway."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from ingestion.company import Source
from ingestion.connector import Connector, Covered, Event, Quarantined, Request, Resource, Rows, SourceError
from ingestion.http import Client, parse

BASE_URL = "https://gwapi.mabangerp.com/api/v2"
BEIJING = ZoneInfo("Asia/Shanghai")
PAGE, MAX_PAGES = 100, 10_000
_TEXT, _COUNT, _MOMENT, _MONEY = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC"), pa.decimal128(20, 9)
PRODUCTS = pa.schema([
    ("sku", _TEXT), ("name", _TEXT), ("category", _TEXT), ("purchase_cost", _MONEY), ("first_leg_cost", _MONEY),
    ("currency", _TEXT), ("updated_at", _MOMENT),
])  # fmt: skip
STOCK = pa.schema([
    ("sku", _TEXT), ("warehouse_id", _TEXT), ("warehouse_name", _TEXT), ("on_hand_units", _COUNT),
    ("sellable_units", _COUNT), ("inbound_units", _COUNT), ("snapshot_at", _MOMENT),
])  # fmt: skip


class Gateway:
    """Mabang's one POST address; `Authorization` is HMAC-SHA256 (hex) of the exact body bytes by the app's token."""

    def __init__(self, source: Source, client: Client | None = None) -> None:
        self.source = source
        self._http = client or Client(source.id)
        self._url = source.base_url or BASE_URL
        self._key, self._token = source.secret("APP_KEY"), source.secret("TOKEN")

    def call(self, api: str, data: dict[str, Any]) -> dict[str, Any]:
        """`data` of the answer. Raises SourceError when Mabang refuses, in its own code."""
        wish = {"api": api, "appkey": self._key, "data": data, "timestamp": int(datetime.now(UTC).timestamp())}
        body = json.dumps(wish, ensure_ascii=False, separators=(",", ":")).encode()
        signature = hmac.new(self._token.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Authorization": signature, "Content-Type": "application/json"}
        answer = parse(self._http.send("POST", self._url, headers=headers, data=body).content)
        if str(answer.get("code")) != "200":
            prefix = self.source.credentials or self.source.id.upper()
            raise SourceError(
                f"{self.source.id}: Mabang refused {api} (code {answer.get('code')}); check {prefix}_APP_KEY and _TOKEN"
            )
        found = answer.get("data") or {}
        return found if isinstance(found, dict) else {}

    def products(self) -> Iterator[dict[str, Any]]:
        """All products, by cursor; a cursor that repeats is an error."""
        cursor, seen = "", set()
        while True:
            data = {"maxRows": PAGE, **({"cursor": cursor} if cursor else {})}
            page = self.call("stock-do-search-sku-list-new", data)
            yield from page.get("data") or []
            cursor = str(page.get("nextCursor") or "")
            if not page.get("hasNext") or not cursor:
                return
            if cursor in seen:
                raise SourceError(f"{self.source.id}: Mabang repeats a page cursor; nothing was landed")
            seen.add(cursor)

    def stock(self) -> Iterator[dict[str, Any]]:
        """Stock of all products, page by page."""
        for number in range(1, MAX_PAGES):
            page = self.call("stock-get-stock-quantity", {"page": number, "rowsPerPage": PAGE})
            yield from page.get("data") or []
            if number >= int(page.get("pageCount") or 0):
                return
        raise SourceError(f"{self.source.id}: Mabang's stock does not end after {MAX_PAGES} pages")


def connect(source: Source, client: Client | None = None) -> Connector:
    """Resources `products` and `stock`. Raises SourceError when APP_KEY or TOKEN is not set."""
    gateway = Gateway(source, client)

    def check() -> str:
        gateway.call("stock-do-search-sku-list-new", {"maxRows": 1})
        return f"{source.id}: connected to Mabang"

    def products(request: Request) -> Iterator[Event]:
        yield from _land("products", gateway.products(), _product, PRODUCTS)

    def stock(request: Request) -> Iterator[Event]:
        yield from _land("stock", gateway.stock(), _stock, STOCK)
        yield Covered(source.id, [request.as_of_day])

    return Connector(
        [Resource("products", {"products": PRODUCTS}, products), Resource("stock", {"stock": STOCK}, stock)], check
    )


def _land(table: str, found: Iterator[dict[str, Any]], shape: Any, schema: pa.Schema) -> Iterator[Event]:
    rows: list[dict[str, Any]] = []
    for line, entry in enumerate(found, 1):
        try:
            rows += shape(entry)
        except (KeyError, ValueError, InvalidOperation, TypeError, AttributeError):
            yield Quarantined(table, f"mabang {table}", line, "a needed field is missing or not of its type")
    if rows:
        yield Rows(table, pa.Table.from_pylist(rows, schema=schema))


def _product(entry: dict[str, Any]) -> list[dict[str, Any]]:
    cost = entry.get("purchasePrice") or entry.get("defaultCost")
    return [{
        "sku": str(entry["stockSku"]), "name": entry.get("nameCN") or entry.get("nameEN"),
        "category": entry.get("categoryName"), "purchase_cost": _money(cost),
        "first_leg_cost": _money(entry.get("firstLegCost")), "currency": entry.get("currency") or "CNY",
        "updated_at": _moment(entry.get("timeModified") or entry["timeCreated"]),
    }]  # fmt: skip


def _stock(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [{
        "sku": str(entry["stockSku"]), "warehouse_id": str(place["warehouseId"]),
        "warehouse_name": place.get("warehouseName"), "on_hand_units": _count(place.get("stockQuantity")),
        "sellable_units": _count(place.get("availableStockQuantity")),
        "inbound_units": _count(place.get("shippingQuantity")), "snapshot_at": _moment(entry["updateTime"]),
    } for place in entry.get("warehouse") or []]  # fmt: skip


def _money(value: Any) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value)).quantize(Decimal("1e-9"))


def _count(value: Any) -> int | None:
    return None if value in (None, "") else int(value)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING).astimezone(UTC)
