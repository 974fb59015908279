"""Finance transactions (2024-06-19), one row per leaf breakdown."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ingestion.connector import Covered, Cursor, Event, Notice, Quarantined, Request, Resource, Rows
from ingestion.http import parse
from ingestion.platforms.amazon import window
from ingestion.platforms.amazon.client import SellingPartner
from ingestion.values import Unknown, ident, moment, money, setting, text, whole

PATH = "/finances/2024-06-19/transactions"
LOOK_BACK_DAYS = 35
WINDOW = timedelta(days=179)
OMITTED_DAYS = 2
_TEXT, _COUNT, _MOMENT, _MONEY = pa.string(), pa.int64(), pa.timestamp("us", tz="UTC"), pa.decimal128(20, 9)
TRANSACTIONS = pa.schema([
    ("transaction_id", _TEXT), ("entry_no", _COUNT), ("transaction_type", _TEXT), ("transaction_status", _TEXT),
    ("description", _TEXT), ("posted_at", _MOMENT), ("order_id", _TEXT), ("refund_id", _TEXT),
    ("deferred_transaction_id", _TEXT), ("release_transaction_id", _TEXT), ("marketplace_id", _TEXT),
    ("item_no", _COUNT), ("sku", _TEXT), ("asin", _TEXT), ("quantity", _COUNT), ("breakdown_path", _TEXT),
    ("breakdown_type", _TEXT), ("amount", _MONEY), ("currency", _TEXT),
])  # fmt: skip
# Every field of the official model, landed or left out on purpose.
KNOWN = frozenset({
    "sellingPartnerMetadata", "relatedIdentifiers", "transactionType", "transactionId", "transactionStatus",
    "description", "postedDate", "totalAmount", "marketplaceDetails", "items", "contexts", "breakdowns",
})  # fmt: skip
KNOWN_ITEM = frozenset({"description", "relatedIdentifiers", "totalAmount", "breakdowns", "contexts"})
MISFIT = "the transaction lacks a time, or an amount is no number"


def resource(account: SellingPartner) -> Resource:
    """Keyed on transaction_id; read again from 35 days behind the newest posting, for DEFERRED is restated."""
    look_back = timedelta(days=max(LOOK_BACK_DAYS, setting(account.source, "look_back_days", LOOK_BACK_DAYS)))

    def extract(request: Request) -> Iterator[Event]:
        start, day = window.start(request, look_back)
        latest, number = request.now - window.FRESH, 0
        landing = _Landing(account.marketplace_id)
        while start < latest:
            end = min(start + WINDOW, latest)
            params = {"postedAfter": window.text(start), "postedBefore": window.text(end)}
            if account.place != "US":
                # With it, Amazon leaves out what US sellers ship themselves.
                params["marketplaceId"] = account.marketplace_id
            for page in account.pages(PATH, params, "nextToken", _read):
                number += 1
                yield from landing.land(page, number)
            start = end
        if landing.uneven:
            yield Notice(f"{landing.uneven} transactions do not add up to their totalAmount")
        if landing.newest:
            yield Cursor(landing.newest.isoformat())
        yield Covered(account.marketplace_id, window.days(day, request.as_of_day - timedelta(days=OMITTED_DAYS)))

    return Resource("transactions", {"transactions": TRANSACTIONS}, extract)


def _read(body: bytes) -> tuple[list[dict[str, Any]], int, str | None]:
    answer = parse(body)
    if not isinstance(answer, dict) or "errors" in answer:
        raise ValueError("no page")
    page = answer.get("payload") or answer
    found = page.get("transactions") or []
    return found, len(found), page.get("nextToken")


class _Landing:
    """One extraction's transactions: each once, however often paging or a window's edge shows it."""

    def __init__(self, marketplace: str) -> None:
        self.newest: datetime | None = None
        self.uneven = 0
        self._marketplace = marketplace
        self._seen: set[str] = set()
        self._nameless: Counter[str] = Counter()
        self._unknown = Unknown("transactions")

    def land(self, page: list[dict[str, Any]], number: int) -> Iterator[Event]:
        rows: list[dict[str, Any]] = []
        for line, entry in enumerate(page, 1):
            try:
                if self._elsewhere(entry):
                    continue
                name = text(entry.get("transactionId")) or self._named(entry)
                leaves = flatten({**entry, "transactionId": name})
                total = money((entry.get("totalAmount") or {}).get("currencyAmount"))
            except (KeyError, ValueError, TypeError, AttributeError):
                yield Quarantined("transactions", f"transactions page {number}", line, MISFIT)
                continue
            if name in self._seen:
                continue
            self._seen.add(name)
            yield from self._unknown.look(entry, KNOWN)
            for item in entry.get("items") or []:
                yield from self._unknown.look(item, KNOWN_ITEM, "items")
            rows += leaves
            self.uneven += total is not None and total != sum(r["amount"] or Decimal(0) for r in leaves)
            self.newest = max(self.newest or leaves[0]["posted_at"], leaves[0]["posted_at"])
        if rows:
            yield Rows("transactions", pa.Table.from_pylist(rows, schema=TRANSACTIONS))

    def _elsewhere(self, entry: dict[str, Any]) -> bool:
        """Whether it belongs to another marketplace of the account; the account's own entries name none."""
        place = (entry.get("marketplaceDetails") or {}).get("marketplaceId")
        return place is not None and place != self._marketplace

    def _named(self, entry: dict[str, Any]) -> str:
        """An id for what Amazon gave none: its content but for what a restatement changes, and which of its equals."""
        kept = {k: v for k, v in entry.items() if k not in ("transactionStatus", "contexts")}
        digest = hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()[:32]
        self._nameless[digest] += 1
        return f"content-{digest}-{self._nameless[digest]}"


def flatten(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """One transaction's leaves: those of its items, and of its own only paths that no item has (they repeat in sum).

    Raises KeyError, ValueError, TypeError or AttributeError where it does not fit.
    """
    related = {r.get("relatedIdentifierName"): text(r.get("relatedIdentifierValue"))
               for r in entry.get("relatedIdentifiers") or []}  # fmt: skip
    shared = {
        "transaction_id": ident(entry["transactionId"]), "transaction_type": text(entry.get("transactionType")),
        "transaction_status": text(entry.get("transactionStatus")), "description": text(entry.get("description")),
        "posted_at": moment(entry["postedDate"]), "order_id": related.get("ORDER_ID"),
        "refund_id": related.get("REFUND_ID"), "deferred_transaction_id": related.get("DEFERRED_TRANSACTION_ID"),
        "release_transaction_id": related.get("RELEASE_TRANSACTION_ID"),
        "marketplace_id": text((entry.get("marketplaceDetails") or {}).get("marketplaceId")),
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(entry.get("items") or [], 1):
        product: dict[str, Any] = next(
            (c for c in item.get("contexts") or [] if c.get("contextType") == "ProductContext"), {}
        )
        known = {"item_no": number, "sku": text(product.get("sku")), "asin": text(product.get("asin")),
                 "quantity": whole(product.get("quantityShipped"))}  # fmt: skip
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
        kind = ident(part["breakdownType"])
        path = f"{above}/{kind}" if above else kind
        if part.get("breakdowns"):
            yield from _leaves(part["breakdowns"], path)
        else:
            value = part.get("breakdownAmount") or {}
            yield {"breakdown_path": path, "breakdown_type": kind, "amount": money(value.get("currencyAmount")),
                   "currency": text(value.get("currencyCode"))}  # fmt: skip
