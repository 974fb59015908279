"""Daily ECB reference rates from a Frankfurter-style endpoint to the lake table `rates` (1 base = rate quote)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa

from ingestion.company import Source
from ingestion.connector import Connector, Covered, Cursor, Event, Request, Resource, Rows, SourceError
from ingestion.http import Client

BASE_URL = "https://api.frankfurter.dev"
LOOK_BACK_DAYS = 10
RATES = pa.schema([
    ("rate_date", pa.date32()), ("base", pa.string()), ("quote", pa.string()),
    ("rate", pa.decimal128(18, 10)), ("source", pa.string()),
])  # fmt: skip


def connect(source: Source, client: Client | None = None) -> Connector:
    """Rates of one base (option `base`, EUR) in the currencies of option `quotes` (all that are published)."""
    http = client or Client(source.id)
    root = (source.base_url or BASE_URL).rstrip("/")
    params = {"base": str(source.options.get("base") or "EUR")}
    quotes = source.options.get("quotes") or source.options.get("currencies")
    if quotes:
        params["symbols"] = quotes if isinstance(quotes, str) else ",".join(quotes)

    def extract(request: Request) -> Iterator[Event]:
        start = request.first_day - timedelta(days=LOOK_BACK_DAYS)
        if request.date_from:
            start = request.date_from - timedelta(days=LOOK_BACK_DAYS)
        elif request.cursor:
            start = date.fromisoformat(request.cursor) - timedelta(days=LOOK_BACK_DAYS)
        end = min(request.as_of_day, request.date_to or request.as_of_day)
        if start > end:
            return
        answer = http.json("GET", f"{root}/v1/{start}..{end}", params=params)
        rows = [
            {"rate_date": date.fromisoformat(day), "base": answer["base"], "quote": quote,
             "rate": Decimal(str(rate)).quantize(Decimal("1e-10")), "source": "ecb"}
            for day, rates in sorted(answer["rates"].items()) for quote, rate in rates.items()
        ]  # fmt: skip
        if any(row["rate"] <= 0 for row in rows):
            raise SourceError(f"{source.id}: a rate is not positive; nothing was landed")
        if rows:
            yield Rows("rates", pa.Table.from_pylist(rows, schema=RATES))
            yield Cursor(str(max(row["rate_date"] for row in rows)))
        yield Covered(source.id, [start + timedelta(days=n) for n in range((end - start).days + 1)])

    def check() -> str:
        day = datetime.now(UTC).date()
        http.json("GET", f"{root}/v1/{day - timedelta(days=7)}..{day}", params=params)
        return f"{source.id}: connected, rates of {params['base']}"

    return Connector([Resource("rates", {"rates": RATES}, extract)], check)
