"""Amazon Ads over real sockets: windows, duplicates, documents, and the row's own date as its key."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.ads.amazon_ads import COLUMNS, LOOK_BACK_DAYS, connect, spans, wanted
from ingestion.connector import (
    Cursor,
    Drift,
    Event,
    FileLanded,
    Notice,
    PartlyReadError,
    Quarantined,
    Report,
    Request,
    SourceError,
)
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

LOOK_BACK = timedelta(days=LOOK_BACK_DAYS)
WEEK = {"date_from": date(2026, 3, 6), "date_to": date(2026, 3, 10)}


def row(day: str, **more: Any) -> dict[str, Any]:
    known = {
        "date": day, "campaignId": 90071992547409931, "adGroupId": 2, "adId": 3, "advertisedSku": "A",
        "campaignBudgetCurrencyCode": "USD", "cost": 1.25, "clicks": 2, "impressions": 30, "sales7d": 9.99,
    }  # fmt: skip
    return {**dict.fromkeys(COLUMNS), **known, **more}


class Ads:
    """A reporting API: `rows_of(first, last)` fills a report, `steps` are the states that each one goes through."""

    def __init__(self, rows_of: Callable[[str, str], list[Any]], *steps: str | Reply) -> None:
        self.rows_of, self.steps = rows_of, steps or ("COMPLETED",)
        self.reports: list[dict[str, Any]] = []
        self.downloads: list[Reply] = []
        self.running = ""
        self.url = ""

    def __call__(self, ask: Ask) -> Reply:
        if ask.path.startswith("/file/"):
            if self.downloads:
                return self.downloads.pop(0)
            wish = self.reports[int(ask.path[6:])]
            return Reply(200, gzip.compress(json.dumps(self.rows_of(wish["startDate"], wish["endDate"])).encode()))
        if ask.method == "POST":
            self.reports.append({**json.loads(ask.body), "left": list(self.steps)})
            if self.running:
                return reply({"code": "425", "detail": f"The Request is a duplicate of : {self.running}"}, 425)
            return reply({"reportId": str(len(self.reports) - 1), "status": "PENDING"})
        number = ask.path.rsplit("/", 1)[1]
        report = self.reports[int(number)]
        step = report["left"].pop(0) if len(report["left"]) > 1 else report["left"][0]
        if isinstance(step, Reply):
            return step
        return reply({**{k: report[k] for k in ("startDate", "endDate")}, "reportId": number, "status": step,
                      "failureReason": "Internal error", "url": f"{self.url}/file/{number}"})  # fmt: skip


def start(serve: Serve, ads: Ads) -> Loopback:
    server = serve(ads)
    ads.url = server.url
    return server


def read(server: Loopback, wish: Request | None = None, naps: Naps | None = None, **settings: Any) -> list[Event]:
    connector = connect(source("amazon_ads", server.url, **settings), (naps or Naps()).client("shop"))
    return extract(connector, "sp_advertised_product", wish or request(**WEEK))


def empty(_first: str, _last: str) -> list[Any]:
    return []


def test_every_row_keeps_its_own_date_and_none_that_of_the_report(serve: Serve) -> None:
    """A synthetic report date as part of the key lost 96 % of the rows of others."""
    days = ["2026-03-06", "2026-03-07", "2026-03-10"]
    found = rows(read(start(serve, Ads(lambda *_: [row(d) for d in days]))), "sp_advertised_product")
    assert [str(r["report_date"]) for r in found] == days
    assert {(r["account_id"], r["campaign_id"]) for r in found} == {("secret-PROFILE_ID", "90071992547409931")}


def test_amounts_are_exact_and_unknown_ones_stay_unknown(serve: Serve) -> None:
    found = rows(
        read(start(serve, Ads(lambda *_: [row("2026-03-06", cost=0.1, sales7d=None)]))), "sp_advertised_product"
    )
    assert (found[0]["cost"], found[0]["sales_7d"], found[0]["clicks"]) == (Decimal("0.1"), None, 2)


def test_rows_of_two_currencies_keep_each_its_own(serve: Serve) -> None:
    both = [row("2026-03-06"), row("2026-03-06", adId=4, campaignBudgetCurrencyCode="JPY", cost=380)]
    found = rows(read(start(serve, Ads(lambda *_: both))), "sp_advertised_product")
    assert [(r["currency"], r["cost"]) for r in found] == [("USD", Decimal("1.25")), ("JPY", Decimal(380))]


def test_no_request_holds_more_than_31_days_and_together_they_hold_each_day_once() -> None:
    days = [first + timedelta(days=n) for first, last in spans(date(2026, 1, 1), date(2026, 3, 31))
            for n in range((last - first).days + 1)]  # fmt: skip
    assert days == [date(2026, 1, 1) + timedelta(days=n) for n in range(90)]
    assert all((last - first).days < 31 for first, last in spans(date(2026, 1, 1), date(2026, 3, 31)))
    assert spans(date(2026, 1, 2), date(2026, 1, 1)) == []


def test_a_daily_run_reads_45_days_again() -> None:
    first, last, lost = wanted(request("2026-03-20", cursor="2026-03-18"), LOOK_BACK)
    assert (first, last, lost) == (date(2026, 2, 1), date(2026, 3, 19), 0)


def test_days_that_a_pause_of_two_months_left_unfinished_are_read_to_their_end() -> None:
    """A look-back that counts from today drifts for ever: what was provisional before the pause would stay so."""
    first, _, _ = wanted(request("2026-03-20", cursor="2026-01-20", first_day=date(2025, 12, 1)), LOOK_BACK)
    assert first == date(2025, 12, 15)  # 95 days back is as far as Amazon keeps; the look-back wants 2025-12-06.


def test_days_older_than_amazon_keeps_are_told_and_not_called_covered(serve: Serve) -> None:
    found = read(start(serve, Ads(empty)), request(first_day=date(2025, 12, 1)))
    assert min(covered(found)) == date(2025, 12, 15)
    assert [e.message for e in found if isinstance(e, Notice)] == [
        "14 days before 2025-12-15 are older than the 95 days that Amazon keeps"]  # fmt: skip


def test_from_and_to_are_both_included_and_the_open_day_never_is(serve: Serve) -> None:
    assert covered(read(start(serve, Ads(empty)))) == [date(2026, 3, d) for d in (6, 7, 8, 9, 10)]
    wish = request("2026-03-10", date_from=date(2026, 3, 8), date_to=date(2026, 3, 31))
    assert covered(read(start(serve, Ads(empty)), wish)) == [date(2026, 3, 8), date(2026, 3, 9)]


def test_a_window_without_ads_is_covered_and_moves_the_cursor(serve: Serve) -> None:
    found = read(start(serve, Ads(empty)))
    assert Cursor("2026-03-10") in found
    assert rows(found, "sp_advertised_product") == []


def test_an_identical_request_is_joined_by_the_id_that_425_names(serve: Serve) -> None:
    ads = Ads(lambda *_: [row("2026-03-06")], "PENDING", "COMPLETED")
    ads.running = "0"
    found = read(start(serve, ads))
    assert [e.report_id for e in found if isinstance(e, Report)] == ["0"]
    assert len(rows(found, "sp_advertised_product")) == 1


def test_a_joined_report_of_other_days_is_an_error(serve: Serve) -> None:
    ads = Ads(empty)
    ads.reports.append({"startDate": "2026-01-01", "endDate": "2026-01-05", "left": ["COMPLETED"]})
    ads.running = "0"
    with pytest.raises(SourceError, match="report 0 is not of 2026-03-06 to 2026-03-10"):
        read(start(serve, ads))


def test_a_report_is_polled_with_patience_for_three_hours_and_no_longer(serve: Serve) -> None:
    naps = Naps()
    with pytest.raises(SourceError, match="was not ready in 3 hours"):
        read(start(serve, Ads(empty, "PROCESSING")), naps=naps)
    assert 3 * 3600 <= naps.clock() < 3 * 3600 + 61
    assert len(naps.taken) < 250


def test_a_token_that_dies_while_polling_is_renewed(serve: Serve) -> None:
    server = start(serve, Ads(lambda *_: [row("2026-03-06")], "PENDING", reply({}, 401), "PROCESSING", "COMPLETED"))
    assert len(rows(read(server), "sp_advertised_product")) == 1
    assert server.tokens == 2


def test_a_failed_report_is_one_clear_error(serve: Serve) -> None:
    with pytest.raises(SourceError, match=r"^shop: report 0 ended FAILED at Amazon \(Internal error\); the next run"):
        read(start(serve, Ads(empty, "FAILED")))


def test_a_failed_report_keeps_the_whole_ones_before_it_and_the_cursor_at_their_end(serve: Serve) -> None:
    ads = Ads(lambda first, _: [row(first)])
    server = start(serve, ads)
    connector = connect(source("amazon_ads", server.url), Naps().client("shop"))
    kept: list[Event] = []
    with pytest.raises(PartlyReadError, match="report 1 ended FAILED"):
        for event in connector.resources[0].extract(request(first_day=date(2026, 1, 1))):
            kept.append(event)
            if len(ads.reports) > 1:
                ads.reports[1]["left"] = ["FAILED"]
    assert [e for e in kept if isinstance(e, Cursor)] == [Cursor("2026-01-31")]
    assert covered(kept) == [date(2026, 1, d) for d in range(1, 32)]
    assert len(rows(kept, "sp_advertised_product")) == 1


def test_an_expired_download_and_a_cut_one_are_fetched_again(serve: Serve) -> None:
    whole = gzip.compress(json.dumps([row("2026-03-06")] * 400).encode())
    for first in (Reply(403, b"expired"), Reply(200, whole[:-20])):
        ads = Ads(empty)
        ads.downloads = [first, Reply(200, whole)]
        assert len(rows(read(start(serve, ads)), "sp_advertised_product")) == 400


def test_a_truncated_gzip_is_an_error_and_not_a_short_day(serve: Serve) -> None:
    ads = Ads(empty)
    ads.downloads = [Reply(200, gzip.compress(b"[" + b"1," * 999 + b"1]")[:-9])] * 2
    with pytest.raises(SourceError, match="report 0 is truncated"):
        read(start(serve, ads))


def test_a_document_that_is_no_list_is_an_error(serve: Serve) -> None:
    ads = Ads(empty)
    ads.downloads = [Reply(200, gzip.compress(b'{"message": "later"}'))]
    with pytest.raises(SourceError, match="report 0 is no list of rows"):
        read(start(serve, ads))


@pytest.mark.parametrize(
    "broken",
    [row("2026-03-05"), row("2026-03-11"), row("soon"), row("2026-03-07", clicks=1.5), row("2026-03-07", cost="NaN"),
     row("2026-03-07", campaignId=None), row("2026-03-07", adId=""), {"date": "2026-03-07"}, [], None],
)  # fmt: skip
def test_a_row_that_does_not_fit_is_quarantined_and_the_others_land(serve: Serve, broken: Any) -> None:
    kept = Kept()
    good = row("2026-03-06")
    found = read(start(serve, Ads(lambda *_: [good, broken, good])), request(archive=kept, **WEEK))
    assert [(e.file, e.line) for e in found if isinstance(e, Quarantined)] == [(next(iter(kept)), 2)]
    assert [(e.rows_in, e.rows_landed, e.rows_quarantined) for e in found if isinstance(e, FileLanded)] == [(3, 2, 1)]


def test_a_new_column_and_one_that_is_missing_are_reported_once(serve: Serve) -> None:
    odd = {**row("2026-03-06"), "roas": 2.5}
    del odd["sales30d"]
    found = read(start(serve, Ads(lambda *_: [odd, odd])))
    assert [(e.column, e.detected_type) for e in found if isinstance(e, Drift)] == [
        ("roas", "number"), ("sales30d", "absent")]  # fmt: skip


def test_every_day_is_covered_where_one_has_23_hours_and_where_one_has_25(serve: Serve) -> None:
    for as_of, first, count in (("2026-03-11", date(2026, 3, 7), 4), ("2026-11-04", date(2026, 10, 31), 4)):
        found = covered(read(start(serve, Ads(empty)), request(as_of, date_from=first)))
        assert found == [first + timedelta(days=n) for n in range(count)]


def test_the_check_says_when_the_login_has_no_such_profile(serve: Serve) -> None:
    server = serve(lambda _: reply([{"profileId": 123}]))
    with pytest.raises(SourceError, match="this login has no profile 9; correct PROFILE_ID or the region"):
        connect(source("amazon_ads", server.url, options={"profile_id": 9})).check()
    assert connect(source("amazon_ads", server.url, options={"profile_id": 123})).check() == (
        "shop: connected, profile 123"
    )


@pytest.mark.shared_data
def test_the_request_has_the_form_that_amazon_recorded(serve: Serve, shared: Path) -> None:
    text = (shared / "specs" / "amazon_ads" / "postman_collection.json").read_text("utf-8")
    collection = {item["name"]: item for item in json.loads(text)["item"]}
    v3 = next(i for i in collection["Reporting"]["item"] if i["name"] == "Sponsored ads V3")
    recorded = next(i for i in v3["item"] if i["name"] == "Create report")["request"]
    ads = Ads(empty)
    server = start(serve, ads)
    read(server)
    known, sent = json.loads(recorded["body"]["raw"]), json.loads(server.asked[0].body)
    assert set(sent) == set(known)
    assert set(sent["configuration"]) == set(known["configuration"])
    asked = {h["key"].lower(): h["value"] for h in recorded["header"]}
    assert set(asked) <= set(server.asked[0].headers)
    assert server.asked[0].headers["content-type"] == asked["content-type"]
