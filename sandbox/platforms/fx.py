"""A public exchange-rate endpoint in Frankfurter's form: GET /fx/v1/{day}, /v1/{from}..{to}, weekdays only."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal

from sandbox.advertising import days_between
from sandbox.platforms.state import State
from sandbox.platforms.wire import Answer, Ask, reply
from sandbox.rates import published


def rates(state: State, ask: Ask) -> Answer:
    """Rates of `base` (default EUR) for `symbols` in a period, up to world time."""
    span = ask.path.rstrip("/").rsplit("/", 1)[-1]
    first, _, last = span.partition("..")
    today = datetime.fromtimestamp(state.now, UTC).date()
    try:
        begin = today if first == "latest" else date.fromisoformat(first)
        end = date.fromisoformat(last) if last else today if ".." in span else begin
    except ValueError:
        return reply({"message": "not found"}, 404)
    base = ask.query.get("base", ask.query.get("from", "EUR"))
    symbols = [s for s in ask.query.get("symbols", ask.query.get("to", "USD,JPY,CNY,GBP,EUR")).split(",") if s != base]
    found: dict[str, dict[str, float]] = {}
    for day in days_between(begin, min(end, today)):
        quotes = published(state.world.seed, day)
        if quotes is None:
            continue
        euro = {"EUR": Decimal(1), **quotes}
        if base not in euro or any(s not in euro for s in symbols):
            return reply({"message": "not found"}, 404)
        found[day.isoformat()] = {s: float(_quoted(euro[s] / euro[base], base)) for s in symbols}
    if ".." in span:
        return reply(
            {"amount": 1.0, "base": base, "start_date": begin.isoformat(), "end_date": end.isoformat(), "rates": found}
        )
    if not found:
        return reply({"message": "not found"}, 404)
    return reply({"amount": 1.0, "base": base, "date": begin.isoformat(), "rates": found[begin.isoformat()]})


def _quoted(rate: Decimal, base: str) -> Decimal:
    return rate if base == "EUR" else rate.quantize(Decimal("1e-5"), ROUND_HALF_UP)
