"""FBA inventory by report: a snapshot a run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa

from ingestion.connector import Covered, Drift, Event, FileLanded, Notice, Quarantined, Report, Request, Resource, Rows
from ingestion.platforms.amazon import reports
from ingestion.platforms.amazon.client import SellingPartner
from ingestion.values import moment, whole

TYPE = "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA"
_TEXT, _COUNT = pa.string(), pa.int64()
UNITS = {
    "fulfillable_units": "afn-fulfillable-quantity", "warehouse_units": "afn-warehouse-quantity",
    "unsellable_units": "afn-unsellable-quantity", "reserved_units": "afn-reserved-quantity",
    "inbound_working_units": "afn-inbound-working-quantity", "inbound_shipped_units": "afn-inbound-shipped-quantity",
    "inbound_receiving_units": "afn-inbound-receiving-quantity",
}  # fmt: skip
# Amazon's own headers first, then the localized ones that are known.
HEADERS = {
    "sku": ("sku", "seller-sku", "出品者SKU", "Händler-SKU"), "fnsku": ("fnsku",), "asin": ("asin",),
    "condition": ("condition", "コンディション"), **{name: (header,) for name, header in UNITS.items()},
}  # fmt: skip
# A report without these would look like empty shelves.
NEEDED = ("sku", "fulfillable_units", "warehouse_units")
LEFT_OUT = frozenset({
    "product-name", "your-price", "mfn-listing-exists", "mfn-fulfillable-quantity", "afn-listing-exists",
    "afn-total-quantity", "per-unit-volume", "afn-researching-quantity", "afn-reserved-future-supply",
    "afn-future-supply-buyable", "store", "商品名",
})  # fmt: skip
INVENTORY = pa.schema([
    ("snapshot_at", pa.timestamp("us", tz="UTC")), ("report_id", _TEXT), ("sku", _TEXT), ("fnsku", _TEXT),
    ("asin", _TEXT), ("condition", _TEXT), *[(name, _COUNT) for name in UNITS],
])  # fmt: skip
TABLE = "fba_inventory"


def resource(account: SellingPartner) -> Resource:
    """One snapshot a run; CANCELLED means no data, FATAL fails the resource by name."""

    def extract(request: Request) -> Iterator[Event]:
        ident = reports.requested(account, TYPE, request.now)
        yield Report(ident)
        report = reports.finished(account, TYPE, ident)
        if report["processingStatus"] == "CANCELLED":
            yield Notice(f"report {ident} was cancelled by Amazon: no stock at FBA, or one was made within 30 minutes")
            yield Covered(account.marketplace_id, [request.as_of_day])
            return
        found = reports.document(account, report)
        name = f"{TYPE}_{ident}.tsv"
        taken = moment(report.get("processingEndTime") or report["createdTime"])
        lines, unknown, lacking = reports.rows(account, found, HEADERS, NEEDED, ident)
        for header in unknown:
            if header.casefold() not in LEFT_OUT:
                yield Drift(TABLE, header, "text")
        for column in lacking:
            yield Drift(TABLE, column, "absent")
        rows: list[dict[str, Any]] = []
        bad = 0
        for line, cells in lines:
            try:
                rows.append(_row(cells, taken, ident))
            except (KeyError, ValueError):
                bad += 1
                yield Quarantined(TABLE, name, line, "no sku, a cell too few or many, or a quantity is no whole number")
        if rows:
            yield Rows(TABLE, pa.Table.from_pylist(rows, schema=INVENTORY))
        else:
            yield Covered(account.marketplace_id, [request.as_of_day])
        yield FileLanded(name, request.archive(name, found.content), len(rows) + bad, len(rows), bad)

    return Resource(TABLE, {TABLE: INVENTORY}, extract)


def _row(cells: dict[str, str], taken: datetime, ident: str) -> dict[str, Any]:
    if not cells["sku"] or "\ufffd" in cells["sku"]:
        raise ValueError("sku")
    counts = {name: whole(cells.get(name)) for name in UNITS}
    return {"snapshot_at": taken, "report_id": ident, "sku": cells["sku"], "fnsku": cells.get("fnsku"),
            "asin": cells.get("asin"), "condition": cells.get("condition"), **counts}  # fmt: skip
