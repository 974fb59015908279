"""Daily ECB reference rates from a Frankfurter-style endpoint to the lake table `rates` (1 base = rate quote)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

import pyarrow as pa

from ingestion.company import Source
from ingestion.connector import Connector, Covered, Cursor, Event, Notice, Request, Resource, Rows, SourceError
from ingestion.http import Client

BASE_URL = "https://api.frankfurter.dev"
LOOK_BACK_DAYS = 10
# Public servers of this kind thin long ranges out to a rate a week; three months come whole.
DAYS_A_CALL = 90
# No central bank is closed for longer: a longer silence is a fault, and no row of holidays.
SILENT_DAYS = 10
RATES = pa.schema([
    ("rate_date", pa.date32()), ("base", pa.string()), ("quote", pa.string()),
    ("rate", pa.decimal128(18, 10)), ("source", pa.string()),
])  # fmt: skip


def connect(source: Source, client: Client | None = None) -> Connector:
    """Rates of one base (option `base`, EUR) in the currencies of option `quotes` (all that are published)."""
    http = client or Client(source.id)
    root = (source.base_url or BASE_URL).rstrip("/")
    base = str(source.options.get("base") or "EUR")
    provider = str(source.options.get("provider") or "ecb")
    named = source.options.get("quotes") or source.options.get("currencies") or ()
    quotes = [q.strip() for q in (named.split(",") if isinstance(named, str) else named) if q.strip() != base]
    params = {"base": base, **({"symbols": ",".join(quotes)} if quotes else {})}

    def days(start: date, end: date) -> dict[date, dict[str, Any]]:
        answer = http.json("GET", f"{root}/v1/{start}..{end}", params=params)
        try:
            if answer["base"] != base:
                raise ValueError("base")
            return {date.fromisoformat(day): dict(rates) for day, rates in answer["rates"].items()}
        except (KeyError, TypeError, ValueError, AttributeError):
            raise SourceError(
                f"{source.id}: {root} does not answer with rates of {base} as Frankfurter does; check base_url"
            ) from None

    def extract(request: Request) -> Iterator[Event]:
        start = request.first_day - timedelta(days=LOOK_BACK_DAYS)
        if request.date_from:
            start = request.date_from - timedelta(days=LOOK_BACK_DAYS)
        elif request.cursor:
            start = date.fromisoformat(request.cursor) - timedelta(days=LOOK_BACK_DAYS)
        end = min(request.as_of_day, request.date_to or request.as_of_day)
        if start > end:
            return
        found: dict[date, dict[str, Any]] = {}
        for n in range(0, (end - start).days + 1, DAYS_A_CALL):
            first = start + timedelta(days=n)
            found |= days(first, min(end, first + timedelta(days=DAYS_A_CALL - 1)))
        known = [start, *sorted(found), end]
        for before, after in pairwise(known):
            if (after - before).days > SILENT_DAYS:
                raise SourceError(f"{source.id}: no rates between {before} and {after}; nothing was landed")
        missing: Counter[str] = Counter()
        rows: list[dict[str, Any]] = []
        for day in sorted(found):
            for quote in quotes or found[day]:
                rate = _rate(source.id, day, quote, found[day].get(quote))
                if rate is None:
                    missing[quote] += 1
                else:
                    rows.append({"rate_date": day, "base": base, "quote": quote, "rate": rate, "source": provider})
        for quote, count in sorted(missing.items()):
            yield Notice(f"no rate of {quote} on {count} of {len(found)} days")
        if rows:
            yield Rows("rates", pa.Table.from_pylist(rows, schema=RATES))
            yield Cursor(str(max(found)))
        yield Covered(source.id, [start + timedelta(days=n) for n in range((end - start).days + 1)])

    def check() -> str:
        day = datetime.now(UTC).date()
        days(day - timedelta(days=7), day)
        return f"{source.id}: connected, rates of {base}"

    return Connector([Resource("rates", {"rates": RATES}, extract)], check)


def _rate(source: str, day: date, quote: str, value: Any) -> Decimal | None:
    """None where there is none: a missing rate is never 1. Raises SourceError where it is no positive number."""
    if value is None:
        return None
    try:
        rate = Decimal(str(value)).quantize(Decimal("1e-10"))
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or not 0 < rate < Decimal("1e8"):
        raise SourceError(f"{source}: the rate of {quote} on {day} is no positive number; nothing was landed")
    return rate
