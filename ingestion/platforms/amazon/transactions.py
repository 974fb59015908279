"""Finance transactions (2024-06-19), one row per leaf breakdown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from ingestion.connector import Covered, Cursor, Event, Notice, Quarantined, Request, Resource, Rows
from ingestion.platforms.amazon.client import SellingPartner, money

PATH = "/finances/2024-06-19/transactions"
LOOK_BACK = timedelta(days=35)
WINDOW = timedelta(days=179)
FRESH = timedelta(minutes=3)
OMITTED_DAYS = 2
_TEXT, _COUNT, _MOMENT, _MONEY = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC"), pa.decimal128(20, 9)
TRANSACTIONS = pa.schema([
    ("transaction_id", _TEXT), ("entry_no", _COUNT), ("transaction_type", _TEXT), ("transaction_status", _TEXT),
    ("description", _TEXT), ("posted_at", _MOMENT), ("order_id", _TEXT), ("refund_id", _TEXT),
    ("deferred_transaction_id", _TEXT), ("release_transaction_id", _TEXT), ("marketplace_id", _TEXT),
    ("item_no", _COUNT), ("sku", _TEXT), ("asin", _TEXT), ("quantity", _COUNT), ("breakdown_path", _TEXT),
    ("breakdown_type", _TEXT), ("amount", _MONEY), ("currency", _TEXT),
])  # fmt: skip


def resource(account: SellingPartner) -> Resource:
    """Keyed on transaction_id; read again from 35 days behind the newest posting, for DEFERRED is restated."""

    def extract(request: Request) -> Iterator[Event]:
        day = request.date_from or request.first_day
        start = datetime.combine(day, time(), UTC) - timedelta(hours=14)
        if request.date_from is None and request.cursor:
            start = datetime.fromisoformat(request.cursor) - LOOK_BACK
            day = start.date() + timedelta(days=1)
        latest, newest, uneven, number = request.now - FRESH, None, 0, 0
        while start < latest:
            end = min(start + WINDOW, latest)
            params = {"marketplaceId": account.marketplace_id, "postedAfter": _text(start), "postedBefore": _text(end)}
            for page in account.pages(PATH, params, "nextToken", lambda p: (p.get("payload") or p).get("nextToken")):
                number += 1
                rows: list[dict[str, Any]] = []
                for line, entry in enumerate((page.get("payload") or page).get("transactions") or [], 1):
                    try:
                        leaves = flatten(entry)
                    except (KeyError, ValueError, TypeError, AttributeError, InvalidOperation):
                        reason = "the transaction lacks an id or time, or an amount is no number"
                        yield Quarantined("transactions", f"transactions page {number}", line, reason)
                        continue
                    rows += leaves
                    total = money((entry.get("totalAmount") or {}).get("currencyAmount"))
                    uneven += total is not None and total != sum(r["amount"] or Decimal(0) for r in leaves)
                    newest = max(newest or leaves[0]["posted_at"], leaves[0]["posted_at"])
                if rows:
                    yield Rows("transactions", pa.Table.from_pylist(rows, schema=TRANSACTIONS))
            start = end
        if uneven:
            yield Notice(f"{uneven} transactions do not add up to their totalAmount")
        if newest:
            yield Cursor(newest.isoformat())
        days = (request.as_of_day - timedelta(days=OMITTED_DAYS) - day).days
        yield Covered(account.marketplace_id, [day + timedelta(days=n) for n in range(days)])

    return Resource("transactions", {"transactions": TRANSACTIONS}, extract)


def flatten(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """One transaction's leaves: those of its items, and of its own only paths that no item has (they repeat in sum)."""
    related = {r.get("relatedIdentifierName"): r.get("relatedIdentifierValue")
               for r in entry.get("relatedIdentifiers") or []}  # fmt: skip
    shared = {
        "transaction_id": entry["transactionId"], "transaction_type": entry.get("transactionType"),
        "transaction_status": entry.get("transactionStatus"), "description": entry.get("description"),
        "posted_at": datetime.fromisoformat(entry["postedDate"]), "order_id": related.get("ORDER_ID"),
        "refund_id": related.get("REFUND_ID"), "deferred_transaction_id": related.get("DEFERRED_TRANSACTION_ID"),
        "release_transaction_id": related.get("RELEASE_TRANSACTION_ID"),
        "marketplace_id": (entry.get("marketplaceDetails") or {}).get("marketplaceId"),
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(entry.get("items") or [], 1):
        product: dict[str, Any] = next(
            (c for c in item.get("contexts") or [] if c.get("contextType") == "ProductContext"), {}
        )
        known = {"item_no": number, "sku": product.get("sku"), "asin": product.get("asin"),
                 "quantity": product.get("quantityShipped")}  # fmt: skip
        rows += [{**known, **leaf} for leaf in _leaves(item.get("breakdowns"), "")]
    paths = {row["breakdown_path"] for row in rows}
    rows += [leaf for leaf in _leaves(entry.get("breakdowns"), "") if leaf["breakdown_path"] not in paths]
    if not rows:
        total = entry.get("totalAmount") or {}
        rows = [{"breakdown_path": "", "breakdown_type": None, "amount": money(total.get("currencyAmount")),
                 "currency": total.get("currencyCode")}]  # fmt: skip
    return [{**shared, **row, "entry_no": number} for number, row in enumerate(rows, 1)]


def _leaves(breakdowns: list[dict[str, Any]] | None, above: str) -> Iterator[dict[str, Any]]:
    for part in breakdowns or []:
        path = f"{above}/{part['breakdownType']}" if above else part["breakdownType"]
        if part.get("breakdowns"):
            yield from _leaves(part["breakdowns"], path)
        else:
            value = part.get("breakdownAmount") or {}
            yield {"breakdown_path": path, "breakdown_type": part["breakdownType"],
                   "amount": money(value.get("currencyAmount")), "currency": value.get("currencyCode")}  # fmt: skip


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
