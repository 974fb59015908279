"""The engine of `kpi explain`: why is this number this number, told from the published file alone."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.query import FACT_DIMENSIONS, Component, QueryError, component_values, definitions

_PERIOD = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")
_DIMENSION = {"store": "store_id", "product": "product_id", "campaign": "campaign_id"}


@dataclass(frozen=True)
class _Number:
    """The published row that is explained."""

    scope_type: str
    grain: str
    period_start: date
    value: float | None
    numerator: float | None
    denominator: float | None
    currency: str
    status: str
    as_of: date


def explain(published: Path, metric: str, *, scope: str = "company", period: str | None = None) -> str:
    """Definition, formula, inputs with their values, exchange rates, sources, freshness and version of a number.

    Args:
        published: the published DuckDB file, opened read-only.
        metric: a name of the catalogue.
        scope: `company`, or the id of a store, a region, a category, …
        period: `2026-01-31`, `2026-01` or `2026`; without one, the newest month.

    Raises:
        QueryError: an unknown metric, a period of another form, or nothing published for it.
    """
    with contextlib.closing(duckdb.connect(str(published), read_only=True)) as connection:
        catalogue, components = definitions(connection)
        if metric not in catalogue:
            raise QueryError(f"no metric is called {metric}; known: {', '.join(catalogue)}")
        number = _published(connection, metric, scope, period)
        last = _last_day(connection, number)
        condition = [] if number.scope_type == "company" else [f"{_dimension(number.scope_type)} = {scope}"]
        inputs = [part for part in components if catalogue[metric].uses(part)]
        lines = [
            *_definition(connection, metric, number, scope),
            *_inputs(inputs, component_values(published, inputs, condition, number.period_start, last)),
            *_rates(connection, number, scope, inputs, last),
            *_sources(connection, number, scope),
        ]
    return "\n".join(lines)


def _published(connection: duckdb.DuckDBPyConnection, metric: str, scope: str, period: str | None) -> _Number:
    grain, start = _period(period)
    row = connection.execute(
        "select scope_type, grain, period_start, value, numerator, denominator, currency, status, as_of "
        "from kpi.kpi_values where metric = ? and scope_id = ? and grain = ? "
        "and (?::date is null or period_start = ?::date) order by period_start desc limit 1",
        [metric, scope, grain, start, start],
    ).fetchone()
    if row is None:
        raise QueryError(f"{metric}: nothing is published for {scope} in {period or 'any month'}")
    return _Number(*row)


def _definition(connection: duckdb.DuckDBPyConnection, metric: str, number: _Number, scope: str) -> Iterator[str]:
    about = connection.execute(
        "select name_en, name_zh, description, formula, unit, null_policy, currency_policy, owner, version, "
        "effective_from from kpi.metric_catalog where metric = ?",
        [metric],
    ).fetchone()
    if about is None:
        raise QueryError(f"no definition of {metric} is published")
    name_en, name_zh, description, formula, unit, nulls, currency, owner, version, since = about
    yield f"{metric}: {name_en} / {name_zh}, version {version} since {since}, owner {owner}"
    yield f"  meaning   {description}"
    yield f"  formula   {formula}   ({unit}; unknown parts: {nulls}; currency: {currency})"
    yield f"  value     {_text(number.value)}{f' {number.currency}' if unit == 'currency' else ''}"
    yield f"  scope     {number.scope_type} {scope}, {number.grain} from {number.period_start}"
    if number.denominator is not None:
        yield f"  parts     {_text(number.numerator)} / {_text(number.denominator)}"
    yield f"  status    {number.status}, as of {number.as_of}"


def _inputs(inputs: Sequence[Component], values: dict[str, Any]) -> Iterator[str]:
    for part in inputs:
        known = values[part.name]
        value = _text(None if known is None or known != known else float(known))
        yield f"  input     {part.name} = {value}: {part.aggregation}({part.expression}) of core.{part.fact}"


def _rates(
    connection: duckdb.DuckDBPyConnection, number: _Number, scope: str, inputs: Sequence[Component], last: date
) -> Iterator[str]:
    """One line per currency that was converted in the period: the rates' span, and who quoted them."""
    currencies = {store[1] for store in _stores(connection, number, scope)}
    if any(part.name.startswith(("cogs", "first_leg")) for part in inputs):
        found = connection.execute(
            "select distinct cost_currency from core.fct_order_line where date between ? and ?",
            [number.period_start, last],
        )
        currencies |= {row[0] for row in found.fetchall() if row[0]}
    for base in sorted(currencies - {number.currency}):
        row = connection.execute(
            "select count(distinct date), min(rate), max(rate), string_agg(distinct source, ', ' order by source) "
            "from audit.fx_rate where base = ? and quote = ? and date between ? and ?",
            [base, number.currency, number.period_start, last],
        ).fetchone()
        days, low, high, quoted_by = row or (0, None, None, None)
        if not days:
            yield f"  rate      1 {base} = unknown: no rate in this period"
        else:
            yield f"  rate      1 {base} = {low} to {high} {number.currency}, each day's own ({days} days, {quoted_by})"


def _sources(connection: duckdb.DuckDBPyConnection, number: _Number, scope: str) -> Iterator[str]:
    stores = [store[0] for store in _stores(connection, number, scope)]
    for source, store, day, verdict in connection.execute(
        "select source_id, store_id, newest_day, verdict from audit.freshness "
        "where store_id is null or store_id in (select unnest(?)) order by all",
        [stores],
    ).fetchall():
        yield f"  source    {source} ({store or 'every store'}): newest day {day or 'none'}, {verdict}"


def _stores(connection: duckdb.DuckDBPyConnection, number: _Number, scope: str) -> list[tuple[str, str]]:
    """Store id and currency of the stores that the scope reaches; a product or a channel may be sold in any."""
    column = _dimension(number.scope_type)
    narrowed = number.scope_type != "company" and column not in FACT_DIMENSIONS
    where, values = (f"where {column} = ?", [scope]) if narrowed else ("", [])
    return connection.execute(f"select store_id, currency from core.dim_store {where} order by all", values).fetchall()


def _last_day(connection: duckdb.DuckDBPyConnection, number: _Number) -> date:
    column = "date" if number.grain == "day" else f"{number.grain}_start"
    row = connection.execute(
        f"select max(date) from core.dim_date where {column} = ?", [number.period_start]
    ).fetchone()
    return row[0] if row and row[0] else number.period_start


def _dimension(scope_type: str) -> str:
    return _DIMENSION.get(scope_type, scope_type)


def _period(text: str | None) -> tuple[str, str | None]:
    if text is None:
        return "month", None
    match = _PERIOD.match(text)
    if match is None:
        raise QueryError(f"period {text}: write a day (2026-01-31), a month (2026-01) or a year (2026)")
    year, month, day = match.groups()
    start = f"{year}-{month or '01'}-{day or '01'}"
    try:
        date.fromisoformat(start)
    except ValueError:
        raise QueryError(f"period {text}: there is no such day") from None
    return "day" if day else "month" if month else "year", start


def _text(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.4f}"
