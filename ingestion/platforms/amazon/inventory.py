"""FBA inventory by report: create, poll, fetch the document behind a URL that lives five minutes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa

from ingestion.connector import Event, FileLanded, Notice, Quarantined, Report, Request, Resource, Rows, SourceError
from ingestion.http import RefusedError
from ingestion.platforms.amazon.client import SellingPartner

ROOT = "/reports/2021-06-30"
TYPE = "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA"
DEADLINE_SECONDS = 1800.0
_TEXT, _COUNT = pa.string(), pa.int64()
UNITS = {
    "fulfillable_units": "afn-fulfillable-quantity", "warehouse_units": "afn-warehouse-quantity",
    "unsellable_units": "afn-unsellable-quantity", "reserved_units": "afn-reserved-quantity",
    "inbound_working_units": "afn-inbound-working-quantity", "inbound_shipped_units": "afn-inbound-shipped-quantity",
    "inbound_receiving_units": "afn-inbound-receiving-quantity",
}  # fmt: skip
INVENTORY = pa.schema([
    ("snapshot_at", pa.timestamp("us", tz="UTC")), ("report_id", _TEXT), ("sku", _TEXT), ("fnsku", _TEXT),
    ("asin", _TEXT), ("condition", _TEXT), *[(name, _COUNT) for name in UNITS],
])  # fmt: skip


def resource(account: SellingPartner) -> Resource:
    """One snapshot a run; CANCELLED means no data, FATAL fails the resource by name."""

    def extract(request: Request) -> Iterator[Event]:
        wish = {"reportType": TYPE, "marketplaceIds": [account.marketplace_id]}
        ident = str(account.post(f"{ROOT}/reports", json.dumps(wish).encode())["reportId"])
        yield Report(ident)
        report = _finished(account, ident)
        if report["processingStatus"] == "CANCELLED":
            yield Notice(f"report {ident} was cancelled by Amazon: it had no data")
            return
        content = _document(account, str(report["reportDocumentId"]))
        name = f"{TYPE}_{ident}.tsv"
        rows: list[dict[str, Any]] = []
        bad = 0
        moment = datetime.fromisoformat(report.get("processingEndTime") or report["createdTime"])
        reader = csv.DictReader(io.StringIO(_decoded(content)), delimiter="\t", quoting=csv.QUOTE_NONE)
        if "sku" not in (reader.fieldnames or []):
            raise SourceError(f"{account.source.id}: report {ident} has no column sku; its headers are localized")
        for line, cells in enumerate(reader, 2):
            try:
                rows.append(_row(cells, moment, ident))
            except (KeyError, ValueError, TypeError):
                bad += 1
                yield Quarantined("fba_inventory", name, line, "no sku, or a quantity is no whole number")
        if rows:
            yield Rows("fba_inventory", pa.Table.from_pylist(rows, schema=INVENTORY))
        yield FileLanded(name, request.archive(name, content), len(rows) + bad, len(rows), bad)

    return Resource("fba_inventory", {"fba_inventory": INVENTORY}, extract)


def _row(cells: dict[str, str], moment: datetime, ident: str) -> dict[str, Any]:
    if not cells["sku"]:
        raise ValueError("sku")
    counts = {name: int(cells[header]) if cells.get(header) else None for name, header in UNITS.items()}
    return {"snapshot_at": moment, "report_id": ident, "sku": cells["sku"], "fnsku": cells.get("fnsku"),
            "asin": cells.get("asin"), "condition": cells.get("condition"), **counts}  # fmt: skip


def _finished(account: SellingPartner, ident: str) -> dict[str, Any]:
    http = account.account.http
    pause = float(str(account.source.options.get("poll_seconds", 0.2)))
    waited = 0.0
    while waited < DEADLINE_SECONDS:
        report: dict[str, Any] = account.get(f"{ROOT}/reports/{ident}")
        status = report["processingStatus"]
        if status in ("DONE", "CANCELLED"):
            return report
        if status == "FATAL":
            raise SourceError(f"{account.source.id}: report {ident} ({TYPE}) ended FATAL; the next run asks again")
        http.sleep(pause)
        waited += pause
        pause = min(30.0, pause * 2)
    raise SourceError(
        f"{account.source.id}: report {ident} ({TYPE}) was not ready in 30 minutes; the next run asks again"
    )


def _document(account: SellingPartner, ident: str) -> bytes:
    """The document; an expired URL is asked for again once, a cut gzip is an error and never the whole."""
    for attempt in range(2):
        found = account.get(f"{ROOT}/documents/{ident}")
        try:
            content = account.account.http.send("GET", found["url"]).content
            return gzip.decompress(content) if found.get("compressionAlgorithm") == "GZIP" else content
        except RefusedError:
            if attempt:
                raise
        except (EOFError, OSError, zlib.error):
            if attempt:
                raise SourceError(
                    f"{account.source.id}: report document is truncated; the next run asks again"
                ) from None
    raise SourceError(f"{account.source.id}: report document could not be read")


def _decoded(content: bytes) -> str:
    for name in ("utf-8-sig", "shift_jis", "cp1252"):
        try:
            return content.decode(name)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")
