"""The engine of `kpi query`: groups the published core facts by any dimension, with the published definitions.

The definitions are data: `kpi.metric_component` says how each fact adds up, `kpi.metric_catalog.expression` how
the sums become a metric. So a number from here and the same number in `kpi.kpi_values` cannot differ in formula.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
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
        One row per period and group, in order: `period_start` (with a grain), the dimensions, the metrics, `status`:
        the worst over the store-days of the group (`stale`, `provisional`, `settled`). A metric is 0 where the group's
        sources spoke and said nothing, and NULL where none spoke.

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
    return _run(published, chosen, components, dimensions, grain, conditions, date_from, date_to)


def _run(
    published: Path,
    metrics: Sequence[Metric],
    components: Sequence[Component],
    dimensions: Sequence[str],
    grain: str | None,
    conditions: Sequence[tuple[str, str]],
    date_from: date | None,
    date_to: date | None,
) -> pd.DataFrame:
    sql = _statement(metrics, components, dimensions, grain, [name for name, _ in conditions])
    window: dict[str, Any] = {"date_from": date_from, "date_to": date_to}
    values = {f"condition_{number}": value for number, (_, value) in enumerate(conditions)}
    with contextlib.closing(duckdb.connect(str(published), read_only=True)) as connection:
        for name, value in conditions:
            if name in STORE_DIMENSIONS:
                known = connection.execute(
                    f"select distinct {name}::varchar from core.dim_store where {name} is not null"
                )
                _known(value, [row[0] for row in known.fetchall()], name)
        return connection.execute(sql, window | values).df()


def component_values(
    published: Path, components: Sequence[Component], where: Sequence[str], date_from: date, date_to: date
) -> dict[str, Any]:
    """The sums that a metric is made of, by component name, over the days and conditions as in `query`."""
    conditions = [_condition(text) for text in where]
    parts = [Metric(part.name, part.name, "partial") for part in components]
    frame = _run(published, parts, components, [], None, conditions, date_from, date_to)
    return {part.name: frame[part.name][0] for part in components}


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
    known = ", ".join(
        f"case when {part.fact}__said then coalesce({part.name}, 0) else {part.name} end as {part.name}"
        for part in components
    )
    values = ", ".join(f"{_value(metric, components)} as {metric.name}" for metric in metrics)
    states = ", ".join(f"{fact}__state" for fact in facts)
    status = (
        f"case coalesce(greatest({states}, null), 2) when 0 then 'settled' when 1 then 'provisional' else 'stale' end"
    )
    # A group of stores exists by what its sources said; a product or a campaign only by its rows.
    shared = [key for key in keys if key not in FACT_DIMENSIONS]
    join = "left join" if len(shared) < len(keys) else "full join"
    on = f"using ({', '.join(shared)})" if shared else "on true"
    return (
        f"with parts as ({parts}), sums as (select {heads}{sums} from parts group by all), "
        f"said as ({_said(facts, shared, grain, conditions)}), "
        f"groups as (select {heads}{known}, {_flags(facts)} from sums {join} said {on}) "
        f"select {heads}{values}, {status} as status from groups" + (f" order by {', '.join(keys)}" if keys else "")
    )


def _flags(facts: Sequence[str]) -> str:
    return ", ".join(f"{fact}__missing, {fact}__state, {fact}__said" for fact in facts)


def _said(facts: Sequence[str], keys: Sequence[str], grain: str | None, conditions: Sequence[str]) -> str:
    """What the sources said about the store-days of each group of stores; a condition on a product changes nothing."""
    filters = [_filter(f"stores.{name}", n) for n, name in enumerate(conditions) if name in STORE_DIMENSIONS]
    columns = [f"dates.{PERIODS[grain]} as period_start" if grain and key == "period_start" else f"stores.{key}"
               for key in keys]  # fmt: skip
    flags = [
        f"sum({fact}__missing) as {fact}__missing, max({fact}__state) as {fact}__state, "
        f"bool_or({fact}__missing = 0) as {fact}__said"
        for fact in facts
    ]
    wanted = " and ".join([_WINDOW, "dim = 'none'", *filters])
    selected = ", ".join([*columns, *flags])
    return f"select {selected} from kpi.kpi_component_daily as rows {_JOINS} where {wanted} group by all"


def _value(metric: Metric, components: Sequence[Component]) -> str:
    """A propagating metric is unknown as soon as one of its facts misses a store-day of the group; late refunds are no
    unknown cost, as in the macro `metric_value`."""
    facts = sorted({part.fact for part in components if metric.uses(part)} - {"fct_refund"})
    if metric.null_policy != "propagate" or not facts:
        return metric.expression
    return f"case when {' and '.join(f'{fact}__missing = 0' for fact in facts)} then {metric.expression} end"


_JOINS = (
    "join core.dim_store as stores on rows.store_id = stores.store_id "
    "join core.dim_date as dates on rows.date = dates.date"
)
_WINDOW = "($date_from::date is null or rows.date >= $date_from) and ($date_to::date is null or rows.date <= $date_to)"


def _filter(column: str, number: int) -> str:
    return f"{column} = $condition_{number}"


def _part(
    fact: str, components: Sequence[Component], dimensions: Sequence[str], grain: str | None, conditions: Sequence[str]
) -> str:
    own = [component for component in components if component.fact == fact]
    period = f"dates.{PERIODS[grain]}" if grain else "null::date"
    # Per store first: a distinct order belongs to one store and day, and stock counts on each store's own last day.
    columns = [f"{_column(fact, name)} as by_{name}" for name in dimensions]
    filters = [_filter(_column(fact, name), number) for number, name in enumerate(conditions)]
    selected = ", ".join(["rows.*", f"{period} as period_start", *columns])
    last = "max(date) over (partition by store_id, period_start) as last_day"
    keys = ", ".join(["period_start"] + [f"by_{name} as {name}" for name in dimensions])
    aggregates = ", ".join(f"{_aggregate(component)} as {component.name}" for component in own)
    return (
        f"select {keys}, {aggregates} from (select *, {last} from (select {selected} from core.{fact} as rows {_JOINS} "
        f"where {' and '.join([_WINDOW, *filters])})) group by all"
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
