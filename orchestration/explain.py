"""The engine of `kpi explain`: why is this number this number, told from the published file alone."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import duckdb

from orchestration.query import QueryError, definitions

_PERIOD = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")


def explain(published: Path, metric: str, *, scope: str = "company", period: str | None = None) -> str:
    """Definition, formula, inputs, sources, freshness and version of a published number.

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
        about = connection.execute(
            "select name_en, name_zh, description, formula, unit, null_policy, currency_policy, owner, version, "
            "effective_from from kpi.metric_catalog where metric = ?",
            [metric],
        ).fetchone()
        if about is None:
            raise QueryError(f"no definition of {metric} is published")
        name_en, name_zh, description, formula, unit, nulls, currency, owner, version, since = about
        grain, start = _period(period)
        rows = connection.execute(
            "select scope_type, grain, period_start, value, numerator, denominator, currency, status, as_of "
            "from kpi.kpi_values where metric = ? and scope_id = ? and grain = ? "
            "and (?::date is null or period_start = ?::date) "
            "order by period_start desc limit 1",
            [metric, scope, grain, start, start],
        ).fetchone()
        if rows is None:
            raise QueryError(f"{metric}: nothing is published for {scope} in {period or 'any month'}")
        inputs = [part for part in components if catalogue[metric].uses(part)]
        facts = sorted({part.fact for part in inputs})
        fresh = (
            connection.execute(
                "select source_id, store_id, newest_day, verdict from audit.freshness order by all"
            ).fetchall()
            if _has(connection, "audit", "freshness")
            else []
        )
    scope_type, grain, first, value, numerator, denominator, money, status, as_of = rows
    lines = [
        f"{metric}: {name_en} / {name_zh}, version {version} since {since}, owner {owner}",
        f"  meaning   {description}",
        f"  formula   {formula}   ({unit}; unknown parts: {nulls}; currency: {currency})",
        f"  value     {_text(value)}{' ' + money if unit == 'currency' else ''}",
        f"  scope     {scope_type} {scope}, {grain} from {first}",
        f"  parts     {_text(numerator)} / {_text(denominator)}" if denominator is not None else "",
        f"  status    {status}, as of {as_of}",
        *(f"  input     {part.name} = {part.aggregation}({part.expression}) of core.{part.fact}" for part in inputs),
        f"  facts     {', '.join(facts)}",
        *(f"  source    {source} ({store}): newest day {day}, {verdict}" for source, store, day, verdict in fresh),
    ]
    return "\n".join(line for line in lines if line)


def _period(text: str | None) -> tuple[str, str | None]:
    if text is None:
        return "month", None
    match = _PERIOD.match(text)
    if match is None:
        raise QueryError(f"period {text}: write a day (2026-01-31), a month (2026-01) or a year (2026)")
    year, month, day = match.groups()
    grain = "day" if day else "month" if month else "year"
    return grain, f"{year}-{month or '01'}-{day or '01'}"


def _has(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, table]
    ).fetchone()
    return found is not None


def _text(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.4f}"
