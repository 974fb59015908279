"""The engine of `kpi query`: groups the published core facts by any dimension, with the published definitions.

The definitions are data: `kpi.metric_component` says how each fact adds up, `kpi.metric_catalog.expression` how
the sums become a metric. So a number from here and the same number in `kpi.kpi_values` cannot differ in formula.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

STORE_DIMENSIONS = ("store_id", "region", "platform", "stage", "currency", "org_unit")
FACT_DIMENSIONS = ("category", "product_id", "channel", "campaign_id", "sku")
DIMENSIONS = STORE_DIMENSIONS + FACT_DIMENSIONS
PERIODS = {
    grain: "date" if grain == "day" else f"{grain}_start" for grain in ("day", "week", "month", "quarter", "year")
}
ABSENT = {
    "fct_order_line": {"campaign_id"},
    "fct_refund": {"campaign_id"},
    "fct_ledger_entry": {"campaign_id", "channel"},
    "fct_ad_daily": set[str](),
    "fct_inventory_daily": {"campaign_id", "channel"},
}
UNALLOCATED = "unallocated"
_CONDITION = re.compile(r"^\s*(\w+)\s*=\s*['\"]?(.*?)['\"]?\s*$")


class QueryError(Exception):
    """What was asked for does not exist; the message says what does."""


@dataclass(frozen=True)
class Component:
    """One additive part: the fact it is read from, its aggregation (`sum`, `count_distinct`, `last`) and its column."""

    name: str
    fact: str
    aggregation: str
    expression: str


@dataclass(frozen=True)
class Metric:
    """One catalogue entry; `expression` is SQL over component names."""

    name: str
    expression: str
    null_policy: str

    def uses(self, component: Component) -> bool:
        return re.search(rf"\b{component.name}\b", self.expression) is not None


def query(
    published: Path,
    metrics: Sequence[str],
    *,
    by: Sequence[str] = (),
    grain: str | None = None,
    date_from: date | None = None,
    date_to: date | None = None,
    where: Sequence[str] = (),
) -> pd.DataFrame:
    """Group the published facts.

    Args:
        published: the published DuckDB file, opened read-only.
        metrics: names of the catalogue.
        by: dimensions of `DIMENSIONS`; `product` and the like may be written without `_id`.
        grain: a period of `PERIODS`, or one row over all days.
        date_from: first store-local day, included.
        date_to: last store-local day, included.
        where: conditions `dimension = value`, all of which hold.

    Returns:
        One row per period and group, in order: `period_start` (with a grain), the dimensions, the metrics.

    Raises:
        QueryError: an unknown metric, dimension or grain, or a condition of another form.
    """
    if grain is not None and grain not in PERIODS:
        raise QueryError(f"grain {grain}: choose one of {', '.join(PERIODS)}")
    if date_from and date_to and date_from > date_to:
        raise QueryError(f"--from {date_from} lies after --to {date_to}")
    dimensions = [_dimension(name) for name in by]
    conditions = [_condition(text) for text in where]
    with contextlib.closing(duckdb.connect(str(published), read_only=True)) as connection:
        chosen, components = _definitions(connection, metrics)
        sql = _statement(chosen, components, dimensions, grain, [name for name, _ in conditions])
        window = [date_from, date_from, date_to, date_to]
        facts = {component.fact for component in components}
        parameters = [*window, *(value for _, value in conditions)] * len(facts)
        parameters += [*window, *(value for name, value in conditions if name in STORE_DIMENSIONS)]
        return connection.execute(sql, parameters).df()


def render(frame: pd.DataFrame, output: str) -> str:
    """`table`, `csv` or `json` (a list of objects), ending with a newline; unknown values are empty or null."""
    rows = [[_plain(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    names = [str(name) for name in frame.columns]
    if output == "json":
        return json.dumps([dict(zip(names, row, strict=True)) for row in rows], ensure_ascii=False, indent=2) + "\n"
    if output == "csv":
        return str(pd.DataFrame(rows, columns=names, dtype=object).to_csv(index=False))
    cells = [names, *[["" if value is None else _shown(value) for value in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    return "".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() + "\n" for row in cells
    )


def definitions(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, Metric], list[Component]]:
    """All published metrics by name, and the components they are made of."""
    rows = connection.execute(
        "select metric, expression, null_policy from kpi.metric_catalog order by metric"
    ).fetchall()
    parts = connection.execute("select component, fact, agg, expr from kpi.metric_component order by all").fetchall()
    return {row[0]: Metric(*row) for row in rows}, [Component(*part) for part in parts]


def _definitions(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> tuple[list[Metric], list[Component]]:
    catalogue, components = definitions(connection)
    if not names:
        raise QueryError("name at least one metric, for example gmv")
    chosen = [catalogue[_known(name, catalogue, "metric")] for name in names]
    return chosen, [part for part in components if any(metric.uses(part) for metric in chosen)]


def _known(name: str, known: Iterable[str], kind: str) -> str:
    names = list(known)
    if name in names:
        return name
    close = difflib.get_close_matches(name, names, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(sorted(names))}"
    raise QueryError(f"no {kind} is called {name}; {hint}")


def _dimension(name: str) -> str:
    if f"{name}_id" in DIMENSIONS:
        return f"{name}_id"
    return _known(name, DIMENSIONS, "dimension")


def _condition(text: str) -> tuple[str, str]:
    match = _CONDITION.match(text)
    if match is None:
        raise QueryError(f'where "{text}": write it as "dimension = value", for example "region = US"')
    return _dimension(match[1]), match[2]


def _statement(
    metrics: Sequence[Metric],
    components: Sequence[Component],
    dimensions: Sequence[str],
    grain: str | None,
    conditions: Sequence[str],
) -> str:
    keys = (["period_start"] if grain else []) + list(dict.fromkeys(dimensions))
    facts = sorted({component.fact for component in components})
    parts = " union all by name ".join(_part(fact, components, dimensions, grain, conditions) for fact in facts)
    heads = "".join(f"{key}, " for key in keys)
    sums = ", ".join(f"sum({part.name}) as {part.name}" for part in components)
    # An absent row is a zero where a source has spoken about the group's stores and days, and unknown elsewhere.
    filled = ", ".join(
        f"case when {part.fact}__told then coalesce({part.name}, 0) else {part.name} end as {part.name}"
        for part in components
    )
    shared = [key for key in keys if key == "period_start" or key in STORE_DIMENSIONS]
    joined = f"left join told using ({', '.join(shared)})" if shared else "cross join told"
    values = ", ".join(f"{_value(metric, components)} as {metric.name}" for metric in metrics)
    return (
        f"with parts as ({parts}), "
        f"sums as (select {heads}{sums} from parts{' group by all' if keys else ''}), "
        f"told as ({_told(facts, shared, grain, conditions)}), "
        f"filled as (select {heads}{filled}, told.* exclude ({', '.join([*shared, 'day_count'])}) from sums {joined}) "
        f"select {heads}{values} from filled{' order by ' + ', '.join(keys) if keys else ''}"
    )


def _told(facts: Sequence[str], shared: Sequence[str], grain: str | None, conditions: Sequence[str]) -> str:
    """Per period and store dimensions: has a source spoken about any (`__told`), about every store-day (`__whole`)?"""
    selected = [
        f"{f'dates.{PERIODS[grain]}' if key == 'period_start' and grain else f'stores.{key}'} as {key}"
        for key in shared
    ]
    flags = [
        f"bool_or({fact}__missing = 0) as {fact}__told, bool_and({fact}__missing = 0) as {fact}__whole"
        for fact in facts
    ]
    wanted = [f"stores.{name} = ?" for name in conditions if name in STORE_DIMENSIONS]
    where = " and ".join(
        ["dim = 'none'", "(?::date is null or days.date >= ?)", "(?::date is null or days.date <= ?)", *wanted]
    )
    return (
        f"select {', '.join([*selected, 'count(*) as day_count', *flags])} from kpi.kpi_component_daily as days "
        f"join core.dim_store as stores on days.store_id = stores.store_id "
        f"join core.dim_date as dates on days.date = dates.date where {where} group by all"
    )


def _value(metric: Metric, components: Sequence[Component]) -> str:
    """The metric; a propagating one is NULL where a store-day is missing. Late refunds are no unknown cost."""
    if metric.null_policy != "propagate":
        return metric.expression
    facts = {component.fact for component in components if metric.uses(component)} - {"fct_refund"}
    whole = " and ".join(f"{fact}__whole" for fact in sorted(facts)) or "true"
    return f"case when {whole} then {metric.expression} end"


def _part(
    fact: str, components: Sequence[Component], dimensions: Sequence[str], grain: str | None, conditions: Sequence[str]
) -> str:
    own = [component for component in components if component.fact == fact]
    period = f"dates.{PERIODS[grain]}" if grain else "null::date"
    # Per store first: a distinct order belongs to one store and day, and stock counts on each store's own last day.
    columns = [f"{_column(fact, name)} as by_{name}" for name in dimensions]
    filters = [f"{_column(fact, name)} = ?" for name in conditions]
    selected = ", ".join(["rows.*", f"{period} as period_start", *columns])
    wanted = " and ".join(["(?::date is null or rows.date >= ?)", "(?::date is null or rows.date <= ?)", *filters])
    last = "max(date) over (partition by store_id, period_start) as last_day"
    keys = ", ".join(["period_start"] + [f"by_{name} as {name}" for name in dimensions])
    aggregates = ", ".join(f"{_aggregate(component)} as {component.name}" for component in own)
    return (
        f"select {keys}, {aggregates} from (select *, {last} from (select {selected} from core.{fact} as rows "
        f"join core.dim_store as stores on rows.store_id = stores.store_id "
        f"join core.dim_date as dates on rows.date = dates.date where {wanted})) group by all"
    )


def _column(fact: str, dimension: str) -> str:
    if dimension in STORE_DIMENSIONS:
        return f"stores.{dimension}"
    if dimension in ABSENT[fact]:
        return f"'{UNALLOCATED}'"
    return f"coalesce(rows.{dimension}, '{UNALLOCATED}')"


def _aggregate(component: Component) -> str:
    if component.aggregation == "count_distinct":
        return f"count(distinct {component.expression})"
    total = f"sum({component.expression})"
    if component.aggregation == "last":
        return f"{total} filter (where date = last_day)"
    return total


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    if hasattr(value, "date"):
        return value.date().isoformat()
    if isinstance(value, date | Decimal):
        return str(value)
    return value.item() if hasattr(value, "item") else value


def _shown(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value == int(value) else f"{value:.4f}"
