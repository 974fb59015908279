"""The FBA inventory report over real sockets: its states, its short-lived document, its encodings and headers."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from ingestion.connector import Covered, Drift, Event, FileLanded, Notice, Quarantined, Report, SourceError
from ingestion.platforms.amazon import connect
from ingestion.platforms.amazon.inventory import TYPE, UNITS
from tests.ingestion.loopback import (
    Ask,
    Kept,
    Loopback,
    Naps,
    Reply,
    Serve,
    covered,
    extract,
    reply,
    request,
    rows,
    source,
)

HEADERS = ["sku", "fnsku", "asin", "product-name", "condition", *UNITS.values()]
DONE = {"reportId": "7", "reportType": TYPE, "processingStatus": "DONE", "createdTime": "2026-03-20T11:00:00Z",
        "processingEndTime": "2026-03-20T11:05:00Z", "reportDocumentId": "D7"}  # fmt: skip


def line(sku: str, name: str = "Lamp", units: str = "5") -> str:
    return "\t".join([sku, "X", "B0", name, "New", *[units] * len(UNITS)])


def tsv(*lines: str, headers: Iterable[str] = HEADERS) -> str:
    return "\r\n".join(["\t".join(headers), *lines]) + "\r\n"


class Reports:
    """A reports API whose polls, documents and running reports are as told."""

    def __init__(self, *documents: Reply, polls: Iterable[dict[str, Any]] = (), zipped: bool = False) -> None:
        self.documents, self.polls, self.zipped = list(documents), list(polls) or [DONE], zipped
        self.running: list[dict[str, Any]] = []
        self.created: list[dict[str, Any]] = []
        self.url = ""

    def __call__(self, ask: Ask) -> Reply:
        if ask.path == "/file":
            return self.documents.pop(0)
        if ask.path.endswith("/documents/D7"):
            shape = {"compressionAlgorithm": "GZIP"} if self.zipped else {}
            return reply({"reportDocumentId": "D7", "url": f"{self.url}/file", **shape})
        if ask.path.endswith("/reports") and ask.method == "POST":
            self.created.append(json.loads(ask.body))
            return reply({"reportId": "7"}, 202)
        if ask.path.endswith("/reports"):
            assert ask.query["processingStatuses"] == "IN_QUEUE,IN_PROGRESS"
            return reply({"reports": self.running})
        poll = self.polls.pop(0) if len(self.polls) > 1 else self.polls[0]
        return reply(poll, poll.get("status", 200))


def read(
    serve: Serve, api: Reports, place: str = "US", kept: Kept | None = None, naps: Naps | None = None
) -> tuple[list[Event], Loopback]:
    server = serve(api)
    api.url = server.url
    connector = connect(source("amazon", server.url, marketplace=place), (naps or Naps()).client("shop"))
    return extract(connector, "fba_inventory", request(archive=kept)), server


def document(text: str, encoding: str = "utf-8", **headers: str) -> Reply:
    return Reply(200, text.encode(encoding), {name.replace("_", "-"): value for name, value in headers.items()})


def test_a_report_is_created_polled_with_patience_and_read_from_its_gzip(serve: Serve) -> None:
    waiting = [{**DONE, "processingStatus": s} for s in ("IN_QUEUE", "IN_QUEUE", "IN_PROGRESS")]
    api = Reports(Reply(200, gzip.compress(tsv(line("A"), line("B")).encode())), polls=[*waiting, DONE], zipped=True)
    naps, kept = Naps(), Kept()
    found, _ = read(serve, api, naps=naps, kept=kept)
    assert [(r["sku"], r["fulfillable_units"]) for r in rows(found, "fba_inventory")] == [("A", 5), ("B", 5)]
    assert naps.taken == sorted(naps.taken)
    assert len(naps.taken) == 3
    assert [e.report_id for e in found if isinstance(e, Report)] == ["7"]
    assert [(e.rows_in, e.rows_landed) for e in found if isinstance(e, FileLanded)] == [(2, 2)]
    assert list(kept.values()) == [tsv(line("A"), line("B")).encode()]


def test_a_report_that_a_dead_run_left_in_the_making_is_taken_up(serve: Serve) -> None:
    api = Reports(document(tsv(line("A"))))
    api.running = [{**DONE, "reportId": "7", "processingStatus": "IN_PROGRESS"}]
    found, _ = read(serve, api)
    assert len(rows(found, "fba_inventory")) == 1
    assert api.created == []


def test_a_running_report_of_another_marketplace_is_left_alone(serve: Serve) -> None:
    api = Reports(document(tsv(line("A"))))
    api.running = [{**DONE, "reportId": "8", "marketplaceIds": ["A2EUQ1WTGCTBG2"]}]
    read(serve, api)
    assert api.created == [{"reportType": TYPE, "marketplaceIds": ["ATVPDKIKX0DER"]}]


def test_a_cancelled_report_says_so_and_covers_its_day_instead_of_looking_like_empty_shelves(serve: Serve) -> None:
    found, _ = read(serve, Reports(polls=[{**DONE, "processingStatus": "CANCELLED"}]))
    assert next(e.message for e in found if isinstance(e, Notice)).startswith("report 7 was cancelled by Amazon")
    assert covered(found) == [date(2026, 3, 20)]
    assert rows(found, "fba_inventory") == []


def test_a_report_without_rows_covers_its_day(serve: Serve) -> None:
    found, _ = read(serve, Reports(document(tsv())))
    assert covered(found) == [date(2026, 3, 20)]


def test_a_fatal_report_is_one_clear_error(serve: Serve) -> None:
    with pytest.raises(SourceError, match=r"^shop: report 7 \(GET_FBA\w+\) ended FATAL; .*next run asks again$"):
        read(serve, Reports(polls=[{**DONE, "processingStatus": "FATAL"}]))


def test_a_report_that_never_ends_is_given_up_after_half_an_hour(serve: Serve) -> None:
    naps = Naps()
    with pytest.raises(SourceError, match="was not ready in 30 minutes"):
        read(serve, Reports(polls=[{**DONE, "processingStatus": "IN_PROGRESS"}]), naps=naps)
    assert 1800 <= naps.clock() < 1900


def test_a_token_that_dies_while_polling_is_renewed(serve: Serve) -> None:
    queue = [{**DONE, "processingStatus": "IN_QUEUE"}, {"status": 403}, DONE]
    found, server = read(serve, Reports(document(tsv(line("A"))), polls=queue))
    assert len(rows(found, "fba_inventory")) == 1
    assert server.tokens == 2


def test_a_document_url_that_expired_is_asked_for_again(serve: Serve) -> None:
    found, server = read(serve, Reports(Reply(403, b"Request has expired"), document(tsv(line("A")))))
    assert len(rows(found, "fba_inventory")) == 1
    assert sum(ask.path.endswith("/documents/D7") for ask in server.asked) == 2


def test_a_cut_document_is_fetched_again_and_twice_cut_is_an_error(serve: Serve) -> None:
    whole = gzip.compress(tsv(*[line(str(n)) for n in range(500)]).encode())
    found, _ = read(serve, Reports(Reply(200, whole[:-40]), Reply(200, whole), zipped=True))
    assert len(rows(found, "fba_inventory")) == 500
    with pytest.raises(SourceError, match="the document of report 7 is truncated"):
        read(serve, Reports(Reply(200, whole[:-40]), Reply(200, whole[:90]), zipped=True))


@pytest.mark.parametrize(
    ("place", "sku", "encoding", "charset"),
    [
        ("US", "ÉTÉ-1", "utf-8", "UTF-8"), ("US", "ÉTÉ-1", "utf-8-sig", ""), ("DE", "GRÖSSE-éa", "cp1252", "Cp1252"),
        ("FR", "éta-àb", "cp1252", ""), ("JP", "髙-①-ｶﾅ", "cp932", "Shift_JIS"), ("JP", "商品-1", "cp932", ""),
        ("JP", "商品-1", "cp932", "UTF-8"), ("JP", "商品-1", "utf-8", "Shift_JIS"),
    ],
)  # fmt: skip
def test_a_sku_survives_every_encoding_that_amazon_uses(
    serve: Serve, place: str, sku: str, encoding: str, charset: str
) -> None:
    headers = {"Content_Type": f"text/plain;charset={charset}"} if charset else {}
    found, _ = read(serve, Reports(document(tsv(line(sku)), encoding, **headers)), place)
    assert [r["sku"] for r in rows(found, "fba_inventory")] == [sku]


def test_a_row_whose_sku_fits_no_encoding_is_quarantined_and_the_others_land(serve: Serve) -> None:
    broken = tsv(line("A"), line("B?"), line("C", "Größe")).encode("cp1252").replace(b"B?", b"B\x81")
    found, _ = read(serve, Reports(Reply(200, broken)), "DE")
    assert [r["sku"] for r in rows(found, "fba_inventory")] == ["A", "C"]
    assert [e.line for e in found if isinstance(e, Quarantined)] == [3]


@pytest.mark.parametrize("bad", [line("B", units="5.5"), line("B", units="many"), line(""), "B\tX", line("B") + "\t1"])
def test_a_row_that_does_not_fit_is_quarantined_with_its_line(serve: Serve, bad: str) -> None:
    found, _ = read(serve, Reports(document(tsv(line("A"), bad, line("C")))))
    assert [r["sku"] for r in rows(found, "fba_inventory")] == ["A", "C"]
    assert [e.line for e in found if isinstance(e, Quarantined)] == [3]
    assert [(e.rows_in, e.rows_quarantined) for e in found if isinstance(e, FileLanded)] == [(3, 1)]


def test_a_quote_in_a_name_opens_nothing(serve: Serve) -> None:
    found, _ = read(serve, Reports(document(tsv(line("A", '19" rack'), line("B", '"half')))))
    assert [r["sku"] for r in rows(found, "fba_inventory")] == ["A", "B"]


def test_known_localized_headers_are_read(serve: Serve) -> None:
    headers = ["出品者SKU", *HEADERS[1:3], "商品名", "コンディション", *UNITS.values()]
    found, _ = read(serve, Reports(document(tsv(line("A"), headers=headers), "cp932")), "JP")
    assert [(r["sku"], r["condition"]) for r in rows(found, "fba_inventory")] == [("A", "New")]
    assert not [e for e in found if isinstance(e, Drift)]


def test_unknown_localized_headers_are_an_error_and_never_empty_shelves(serve: Serve) -> None:
    headers = [*HEADERS[:5], "Versandfähige Menge", *list(UNITS.values())[1:]]
    with pytest.raises(SourceError, match="report 7 has no column afn-fulfillable-quantity"):
        read(serve, Reports(document(tsv(line("A"), headers=headers))), "DE")


def test_a_new_column_and_one_that_left_are_reported(serve: Serve) -> None:
    headers = [*HEADERS[:-1], "afn-colour"]
    found, _ = read(serve, Reports(document(tsv(line("A"), headers=headers))))
    assert [(e.column, e.detected_type) for e in found if isinstance(e, Drift)] == [
        ("afn-colour", "text"), ("inbound_receiving_units", "absent")]  # fmt: skip
    assert [r["inbound_receiving_units"] for r in rows(found, "fba_inventory")] == [None]
    assert not [e for e in found if isinstance(e, Covered)]
