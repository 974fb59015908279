"""SP-API Reports 2021-06-30: create, poll through its states, fetch the document behind a URL that soon expires."""

from __future__ import annotations

import gzip
import time
from typing import Any
from urllib.parse import quote

from sandbox.catalogue import PRODUCTS, Store, price_of
from sandbox.platforms.state import State
from sandbox.platforms.wire import Answer, Ask, amount_text, iso, parse_moment, reply, sp_error
from sandbox.stock import stock_on

ROOT = "/reports/2021-06-30"
INVENTORY = "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA"
URL_SECONDS = 300
STATES = ("IN_QUEUE", "IN_PROGRESS", "DONE")
COLUMNS = (
    "sku",
    "fnsku",
    "asin",
    "product-name",
    "condition",
    "your-price",
    "mfn-listing-exists",
    "mfn-fulfillable-quantity",
    "afn-listing-exists",
    "afn-warehouse-quantity",
    "afn-fulfillable-quantity",
    "afn-unsellable-quantity",
    "afn-reserved-quantity",
    "afn-total-quantity",
    "per-unit-volume",
    "afn-inbound-working-quantity",
    "afn-inbound-shipped-quantity",
    "afn-inbound-receiving-quantity",
    "afn-researching-quantity",
    "afn-reserved-future-supply",
    "afn-future-supply-buyable",
)


def route(state: State, ask: Ask, store: Store, path: str) -> Answer:
    """The operations createReport, getReports, getReport and getReportDocument."""
    name = path.removeprefix(ROOT + "/")
    if name == "reports" and ask.method == "POST":
        return _create(state, ask, store)
    if name == "reports":
        return _list(state, ask, store)
    kind, _, ident = name.partition("/")
    report = state.reports.get(ident.removeprefix("DOC"))
    if report is None or report["store"] != store.key:
        return sp_error(404, "NotFound", f"no such {kind.removesuffix('s')}: {ident}")
    if kind == "reports":
        return reply(_advance(state, report))
    if kind == "documents":
        until = int(time.time()) + URL_SECONDS
        return reply(
            {
                "reportDocumentId": ident,
                "compressionAlgorithm": "GZIP",
                "url": f"{state.url}/documents/{quote(ident)}?Expires={until}",
            }
        )
    return sp_error(404, "NotFound", f"no such operation: {path}")


def _create(state: State, ask: Ask, store: Store) -> Answer:
    wish = ask.json()
    if wish.get("reportType") != INVENTORY:
        return sp_error(400, "InvalidInput", f"reportType must be {INVENTORY}")
    if wish.get("marketplaceIds") != [store.marketplace_id]:
        return sp_error(400, "InvalidInput", "marketplaceIds names no marketplace of this account")
    with state.lock:
        ident = f"{50_000 + len(state.reports)}0{20_000 + len(state.reports)}"
        path = f"/sp/{store.key}{ROOT}"
        end = "DONE"
        for planted, name in (("fatal_report", "FATAL"), ("cancelled_report", "CANCELLED")):
            if state.take_fault(path, {planted}) is not None:
                end = name
        state.reports[ident] = {
            "store": store.key,
            "polls": 0,
            "end": end,
            "now": state.now,
            "content": gzip.compress(inventory_tsv(state, store), mtime=0),
        }
    return reply({"reportId": ident}, 202, x_amzn_RateLimit_Limit="0.0167" if state.burst <= 20 else str(state.rate))


def _list(state: State, ask: Ask, store: Store) -> Answer:
    """Reports of these types and states, no older in world time than `createdSince` is on the real clock."""
    kinds = ask.query.get("reportTypes", "").split(",")
    wanted = set(ask.query.get("processingStatuses", ",".join((*STATES, "CANCELLED", "FATAL"))).split(","))
    age = time.time() - (parse_moment(ask.query.get("createdSince", "")) or 0)
    with state.lock:
        shown = [
            _shown(ident, report, min(report["polls"], 2))
            for ident, report in reversed(state.reports.items())
            if "now" in report
            and report["store"] == store.key
            and INVENTORY in kinds
            and state.now - report["now"] <= age
        ]
    return reply({"reports": [report for report in shown if report["processingStatus"] in wanted]})


def _advance(state: State, report: dict[str, Any]) -> dict[str, Any]:
    """Each poll moves the report one state on."""
    with state.lock:
        ident = next(key for key, value in state.reports.items() if value is report)
        stage = min(report["polls"], 2)
        report["polls"] += 1
    return _shown(ident, report, stage)


def _shown(ident: str, report: dict[str, Any], stage: int) -> dict[str, Any]:
    store_now = report["now"]
    status = STATES[stage] if stage < 2 else report["end"]
    shown: dict[str, Any] = {
        "reportId": ident,
        "reportType": INVENTORY,
        "createdTime": iso(store_now - 60),
        "dataStartTime": iso(store_now - 60),
        "dataEndTime": iso(store_now - 60),
        "processingStatus": status,
    }
    if stage >= 1:
        shown["processingStartTime"] = iso(store_now - 30)
    if stage == 2:
        shown["processingEndTime"] = iso(store_now)
        if report["end"] != "CANCELLED":
            shown["reportDocumentId"] = f"DOC{ident}"
    return shown


def document(state: State, ask: Ask) -> Answer:
    """The stored file itself, without a token, until the URL expires."""
    if int(ask.query.get("Expires", "0")) < time.time():
        return Answer(403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
    report = state.reports.get(ask.path.rsplit("/", 1)[-1].removeprefix("DOC"))
    if report is None:
        return Answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
    charset = "Shift_JIS" if report["store"] == "jp" else "UTF-8"
    return Answer(200, report["content"], {"Content-Type": f"text/plain;charset={charset}"})


def inventory_tsv(state: State, store: Store) -> bytes:
    """The FBA inventory as of world time: tab-separated, Shift-JIS with Japanese names in Japan."""
    lines = ["\t".join(COLUMNS)]
    for stock in stock_on(state.world, store, store.local_day(state.now)):
        product = PRODUCTS[stock.product]
        name = product.name if store.key == "us" else f"キャンプ用品 {product.name}"
        cells = [
            product.sku,
            f"X00{product.asin[3:]}",
            product.asin,
            name,
            "New",
            amount_text(price_of(product, store) or 0, store.minor),
            "No",
            "",
            "Yes",
            stock.warehouse,
            stock.sellable,
            stock.unsellable,
            stock.reserved,
            stock.warehouse + stock.inbound_shipped + stock.inbound_receiving,
            "0.12",
            stock.inbound_working,
            stock.inbound_shipped,
            stock.inbound_receiving,
            0,
            0,
            0,
        ]
        lines.append("\t".join(str(cell) for cell in cells))
    return ("\r\n".join(lines) + "\r\n").encode("shift_jis" if store.key == "jp" else "utf-8")
