"""Exchange rates over real sockets."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ingestion.connector import Cursor, Event, Notice, Request, SourceError
from ingestion.finance.fx import connect
from tests.ingestion.loopback import Ask, Loopback, Naps, Reply, Serve, covered, extract, reply, request, rows, source


def weekdays(ask: Ask, **rates: Any) -> Reply:
    """Rates on working days of the asked range."""
    first, last = (date.fromisoformat(day) for day in ask.path.rsplit("/", 1)[1].split(".."))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    found = {str(day): rates or {"USD": 1.08, "JPY": 163.2} for day in days if day.weekday() < 5}
    return reply({"amount": 1.0, "base": ask.query["base"], "rates": found})


def read(server: Loopback, wish: Request | None = None, **options: Any) -> list[Event]:
    return extract(connect(source("fx", server.url, options=options), Naps().client("shop")), "rates", wish)


def test_years_are_asked_for_in_quarters_so_that_no_server_thins_them_out(serve: Serve) -> None:
    server = serve(weekdays)
    found = read(server, request(first_day=date(2024, 3, 20)))
    days = {r["rate_date"] for r in rows(found, "rates")}
    wanted = [date(2024, 3, 10) + timedelta(days=n) for n in range((date(2026, 3, 20) - date(2024, 3, 10)).days + 1)]
    assert days == {day for day in wanted if day.weekday() < 5}
    spans = [[date.fromisoformat(d) for d in a.path.rsplit("/", 1)[1].split("..")] for a in server.asked]
    assert max((last - first).days for first, last in spans) < 90


def test_weekends_have_no_rate_and_are_covered(serve: Serve) -> None:
    found = read(serve(weekdays), request(cursor="2026-03-18"))
    assert {r["rate_date"].weekday() for r in rows(found, "rates")} == {0, 1, 2, 3, 4}
    assert covered(found) == [date(2026, 3, 8) + timedelta(days=n) for n in range(13)]
    assert Cursor("2026-03-20") in found


def test_rates_are_exact(serve: Serve) -> None:
    found = rows(read(serve(lambda ask: weekdays(ask, USD=1.0834)), request(cursor="2026-03-19")), "rates")
    assert {(r["base"], r["quote"], r["rate"], r["source"]) for r in found} == {
        ("EUR", "USD", Decimal("1.0834"), "ecb")
    }


def test_a_missing_rate_is_told_and_never_one(serve: Serve) -> None:
    found = read(serve(weekdays), request(cursor="2026-03-19"), quotes=["USD", "RUB", "EUR"])
    assert {r["quote"] for r in rows(found, "rates")} == {"USD"}
    assert [e.message for e in found if isinstance(e, Notice)] == ["no rate of RUB on 10 of 10 days"]


@pytest.mark.parametrize("rate", [0, -1.1, "n/a", "NaN"])
def test_a_rate_that_is_no_positive_number_lands_nothing(serve: Serve, rate: Any) -> None:
    with pytest.raises(SourceError, match="the rate of USD on 2026-03-09 is no positive number; nothing was landed"):
        read(serve(lambda ask: weekdays(ask, USD=rate)), request(cursor="2026-03-19"))


def test_a_source_that_answers_nothing_says_so(serve: Serve) -> None:
    with pytest.raises(SourceError, match="no rates between 2026-03-08 and 2026-03-20"):
        read(serve(lambda ask: reply({"base": "EUR", "rates": {}})), request(cursor="2026-03-18"))


@pytest.mark.parametrize(
    "body", [{"base": "USD", "rates": {}}, {"rates": {}}, {"base": "EUR"}, [], {"base": "EUR", "rates": 1}]
)
def test_an_answer_of_another_form_or_base_is_named(serve: Serve, body: Any) -> None:
    with pytest.raises(SourceError, match="does not answer with rates of EUR as Frankfurter does; check base_url"):
        read(serve(lambda _: reply(body)), request(cursor="2026-03-18"))


def test_from_and_to_are_included_with_ten_days_before_them_for_a_weekend_or_holiday(serve: Serve) -> None:
    wish = request(date_from=date(2026, 2, 14), date_to=date(2026, 2, 15), cursor="2026-03-19")
    found = covered(read(serve(weekdays), wish))
    assert (min(found), max(found)) == (date(2026, 2, 4), date(2026, 2, 15))
