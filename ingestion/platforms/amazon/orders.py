"""Orders and their items by Orders 2026-01-01 `searchOrders`, without any buyer or recipient data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from ingestion.connector import Covered, Cursor, Event, Quarantined, Request, Resource, Rows
from ingestion.platforms.amazon.client import SellingPartner, money

PATH = "/orders/2026-01-01/orders"
INCLUDED = "PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT"
LOOK_BACK = timedelta(days=2)
FRESH = timedelta(minutes=3)
_TEXT, _MONEY, _MOMENT, _FLAG = pa.string(), pa.decimal128(20, 9), pa.timestamp("us", tz="UTC"), pa.bool_()
ORDERS = pa.schema([
    ("order_id", _TEXT), ("created_at", _MOMENT), ("updated_at", _MOMENT), ("status", _TEXT), ("fulfilled_by", _TEXT),
    ("sales_channel", _TEXT), ("marketplace_id", _TEXT), ("is_replacement", _FLAG), ("replaced_order_id", _TEXT),
    ("currency", _TEXT), ("grand_total", _MONEY),
])  # fmt: skip
ITEMS = pa.schema([
    ("order_id", _TEXT), ("order_item_id", _TEXT), ("order_updated_at", _MOMENT), ("sku", _TEXT), ("asin", _TEXT),
    ("quantity_ordered", pa.int64()), ("unit_price", _MONEY), ("item_price", _MONEY), ("item_tax", _MONEY),
    ("discount", _MONEY), ("shipping_price", _MONEY), ("shipping_discount", _MONEY), ("currency", _TEXT),
    ("is_cancelled", _FLAG), ("points_value", _MONEY),
])  # fmt: skip


def resource(account: SellingPartner) -> Resource:
    """Keyed on order_id by updated_at; the cursor is the newest lastUpdatedTime seen, read again from two days back."""

    def extract(request: Request) -> Iterator[Event]:
        day = request.date_from or request.first_day
        # The earliest local midnight on Earth is fourteen hours before UTC's.
        start = datetime.combine(day, time(), UTC) - timedelta(hours=14)
        if request.date_from is None and request.cursor:
            start = datetime.fromisoformat(request.cursor) - LOOK_BACK
            day = start.date() + timedelta(days=1)
        params = {
            "marketplaceIds": account.marketplace_id, "lastUpdatedAfter": _text(start), "includedData": INCLUDED,
            "maxResultsPerPage": "100",
        }  # fmt: skip
        before = request.now - FRESH
        if before > start:
            params["lastUpdatedBefore"] = _text(before)
        newest: datetime | None = None
        pages = account.pages(PATH, params, "paginationToken", lambda p: (p.get("pagination") or {}).get("nextToken"))
        for number, page in enumerate(pages, 1):
            orders: list[dict[str, Any]] = []
            items: list[dict[str, Any]] = []
            for line, order in enumerate(page.get("orders") or [], 1):
                try:
                    row, lines = flatten(order)
                except (KeyError, ValueError, TypeError, AttributeError, InvalidOperation):
                    reason = "the order or one of its items lacks an id or time, or an amount is no number"
                    yield Quarantined("orders", f"orders page {number}", line, reason)
                    continue
                orders.append(row)
                items += lines
                newest = max(newest or row["updated_at"], row["updated_at"])
            if orders:
                yield Rows("orders", pa.Table.from_pylist(orders, schema=ORDERS))
            if items:
                yield Rows("order_items", pa.Table.from_pylist(items, schema=ITEMS))
        if newest:
            yield Cursor(newest.isoformat())
        yield Covered(account.marketplace_id, [day + timedelta(days=n) for n in range((request.as_of_day - day).days)])

    return Resource("orders", {"orders": ORDERS, "order_items": ITEMS}, extract)


def flatten(order: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One order and its items as lake rows. Raises KeyError, ValueError or InvalidOperation where one does not fit."""
    updated = datetime.fromisoformat(order["lastUpdatedTime"])
    channel, fulfilment = order.get("salesChannel") or {}, order.get("fulfillment") or {}
    total = (order.get("proceeds") or {}).get("grandTotal") or {}
    replaced = [o["orderId"] for o in order.get("associatedOrders") or []
                if o.get("associationType") == "REPLACEMENT_ORIGINAL_ID"]  # fmt: skip
    row = {
        "order_id": order["orderId"], "created_at": datetime.fromisoformat(order["createdTime"]), "updated_at": updated,
        "status": fulfilment.get("fulfillmentStatus"), "fulfilled_by": fulfilment.get("fulfilledBy"),
        "sales_channel": channel.get("channelName"), "marketplace_id": channel.get("marketplaceId"),
        "is_replacement": bool(replaced), "replaced_order_id": replaced[0] if replaced else None,
        "currency": total.get("currencyCode"), "grand_total": money(total.get("amount")),
    }  # fmt: skip
    return row, [_item(order["orderId"], updated, item) for item in order.get("orderItems") or []]


def _item(order_id: str, updated: datetime, item: dict[str, Any]) -> dict[str, Any]:
    product = item.get("product") or {}
    price = (product.get("price") or {}).get("unitPrice") or {}
    parts = {part["type"]: part for part in (item.get("proceeds") or {}).get("breakdowns") or []}
    first = next((part.get("subtotal") or {} for part in parts.values()), {})
    points = ((item.get("expense") or {}).get("pointsCost") or {}).get("pointsGranted") or {}
    return {
        "order_id": order_id, "order_item_id": str(item["orderItemId"]), "order_updated_at": updated,
        "sku": product.get("sellerSku"), "asin": product.get("asin"), "quantity_ordered": int(item["quantityOrdered"]),
        "unit_price": money(price.get("amount")), "item_price": _subtotal(parts.get("ITEM")),
        "item_tax": _detail(parts.get("TAX"), "ITEM"), "discount": _size(_detail(parts.get("DISCOUNT"), "ITEM")),
        "shipping_price": _subtotal(parts.get("SHIPPING")),
        "shipping_discount": _size(_detail(parts.get("DISCOUNT"), "SHIPPING")),
        "currency": price.get("currencyCode") or first.get("currencyCode"),
        "is_cancelled": "cancellationExecution" in (item.get("cancellation") or {}),
        "points_value": money((points.get("pointsMonetaryValue") or {}).get("amount")),
    }  # fmt: skip


def _subtotal(part: dict[str, Any] | None) -> Decimal | None:
    return money(((part or {}).get("subtotal") or {}).get("amount"))


def _detail(part: dict[str, Any] | None, subtype: str) -> Decimal | None:
    """A share of a breakdown; undivided, all of it belongs to the item."""
    details = (part or {}).get("detailedBreakdowns") or []
    if not details:
        return _subtotal(part) if subtype == "ITEM" else None
    found = [money((d.get("value") or {}).get("amount")) for d in details if d.get("subtype") == subtype]
    return sum((f for f in found if f is not None), Decimal(0)) if found else None


def _size(value: Decimal | None) -> Decimal | None:
    return None if value is None else abs(value)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
