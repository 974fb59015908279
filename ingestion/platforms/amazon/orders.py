"""Orders and their items by Orders 2026-01-01 `searchOrders`, without any buyer or recipient data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pyarrow.compute as pc

from ingestion.connector import Covered, Cursor, Drift, Event, Quarantined, Request, Resource, Rows
from ingestion.platforms.amazon import window
from ingestion.platforms.amazon.client import SellingPartner
from ingestion.platforms.amazon.order_pages import ITEMS, ORDERS, Page, flatten, read_page
from ingestion.values import setting

PATH = "/orders/2026-01-01/orders"
INCLUDED = "PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT"
LOOK_BACK_DAYS = 2
PAGES_AT_ONCE = 20
MISFIT = "the order or one of its items lacks an id, a time or a quantity, or an amount is no number"


def resource(account: SellingPartner) -> Resource:
    """Keyed on order_id by updated_at; the cursor is the newest lastUpdatedTime seen, read again from two days back."""
    look_back = timedelta(days=max(LOOK_BACK_DAYS, setting(account.source, "look_back_days", LOOK_BACK_DAYS)))

    def extract(request: Request) -> Iterator[Event]:
        start, day = window.start(request, look_back)
        params = {
            "marketplaceIds": account.marketplace_id, "lastUpdatedAfter": window.text(start),
            "includedData": INCLUDED, "maxResultsPerPage": "100",
        }  # fmt: skip
        before = request.now - window.FRESH
        if before > start:
            params["lastUpdatedBefore"] = window.text(before)
        landing = _Landing()
        gathered: list[tuple[int, Page]] = []
        for number, page in enumerate(account.pages(PATH, params, "paginationToken", read_page), 1):
            gathered.append((number, page))
            if len(gathered) == PAGES_AT_ONCE:
                yield from landing.land(gathered)
                gathered = []
        yield from landing.land(gathered)
        if landing.newest:
            yield Cursor(landing.newest.isoformat())
        # Just after midnight, the minutes that Amazon does not tell yet are yesterday's.
        untold = timedelta(days=0 if before >= request.open_since else 1)
        yield Covered(account.marketplace_id, window.days(day, request.as_of_day - untold))

    return Resource("orders", {"orders": ORDERS, "order_items": ITEMS}, extract)


class _Landing:
    """One extraction's orders: each version of an order once, however often paging shows it."""

    def __init__(self) -> None:
        self.newest: datetime | None = None
        self._seen: set[tuple[str, int]] = set()
        self._told: set[tuple[str, str]] = set()

    def land(self, pages: list[tuple[int, Page]]) -> Iterator[Event]:
        if not pages:
            return
        rows = flatten(pages, self._seen)
        for number, line in rows.misfits:
            yield Quarantined("orders", f"orders page {number}", line, MISFIT)
        for name, kind in sorted(rows.unknown - self._told):
            yield Drift("orders", name, kind)
        self._told |= rows.unknown
        if rows.orders.num_rows:
            newest: datetime = pc.max(rows.orders["updated_at"]).as_py()
            self.newest = max(self.newest or newest, newest)
            yield Rows("orders", rows.orders)
        if rows.items.num_rows:
            yield Rows("order_items", rows.items)
