"""Reads the published file for the alerts: verdicts, names, trends. Read-only, so readers are never blocked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

TREND_PERIODS = 7
LATE_DAYS = 2  # as late as a source may be by its usual promise (48 hours): Amazon's ledger always is


@dataclass(frozen=True)
class Breach:
    """A rule's verdict on the newest period of one scope that can be judged; `state` is breach, clear or inhibited."""

    rule_id: str
    metric: str
    scope_type: str
    scope_id: str
    period_start: str
    value: float | None
    threshold: float | None
    severity: str
    state: str


@dataclass(frozen=True)
class Metric:
    """How a metric is called and counted."""

    name_en: str
    name_zh: str
    unit: str


@dataclass(frozen=True)
class Context:
    """What helps to understand a breach: the last periods (oldest first) and the part with the largest share."""

    trend: list[float | None] = field(default_factory=list)
    currency: str | None = None
    cause: tuple[str, str, float] | None = None


class Published:
    """The published file, open until `close`."""

    def __init__(self, path: Path) -> None:
        self._db = duckdb.connect(str(path), read_only=True)
        found = self._db.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_catalog = current_database()"
        ).fetchall()
        self._tables = {row[0] for row in found}

    def __enter__(self) -> Published:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _rows(self, table: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._db.execute(sql, list(values)).fetchall() if table in self._tables else []

    def newest_breaches(self) -> list[Breach]:
        """The newest closed period per rule and scope; an inhibited one yields to one judged up to LATE_DAYS before."""
        rows = self._rows(
            "kpi.kpi_breaches",
            "select rule_id, metric, scope_type, scope_id, cast(period_start as varchar), cast(value as double),"
            " cast(threshold as double), severity, state from (select *, max(period_start) over"
            " (partition by rule_id, scope_type, scope_id) as newest from kpi.kpi_breaches)"
            " qualify row_number() over (partition by rule_id, scope_type, scope_id order by"
            f" state = 'inhibited' or period_start < newest - {LATE_DAYS}, period_start desc) = 1"
            " order by rule_id, scope_type, scope_id",
        )
        return [Breach(*row) for row in rows]

    def metrics(self) -> dict[str, Metric]:
        """Names and units by metric."""
        rows = self._rows("kpi.metric_catalog", "select metric, name_en, name_zh, unit from kpi.metric_catalog")
        return {row[0]: Metric(row[1] or row[0], row[2] or row[1] or row[0], row[3] or "") for row in rows}

    def stale_sources(self) -> dict[str, str]:
        """Source to what is known of its staleness, from `audit.freshness`."""
        rows = self._rows(
            "audit.freshness",
            "select source_id, cast(max(newest_day) as varchar), max(sla_hours) from audit.freshness"
            " where verdict <> 'ok' and source_id <> 'reference' group by source_id",
        )
        return {row[0]: f"newest day {row[1] or 'none'}, allowed {row[2]} hours" for row in rows}

    def context(self, breach: Breach, grain: str) -> Context:
        """Trend of the last periods up to the breach, and the store or category behind the most of it."""
        rows = self._rows(
            "kpi.kpi_values",
            "select value, currency from kpi.kpi_values where metric = ? and grain = ? and scope_type = ?"
            f" and scope_id = ? and period_start <= cast(? as date) order by period_start desc limit {TREND_PERIODS}",
            breach.metric, grain, breach.scope_type, breach.scope_id, breach.period_start,
        )  # fmt: skip
        return Context([row[0] for row in reversed(rows)], rows[0][1] if rows else None, self._cause(breach, grain))

    def _cause(self, breach: Breach, grain: str) -> tuple[str, str, float] | None:
        """The part with the largest share of the numerator: a company's store, a store's category."""
        if breach.scope_type == "company":
            parts = self._rows(
                "kpi.kpi_values",
                "select 'store', scope_id, coalesce(numerator, value) from kpi.kpi_values where metric = ? and"
                " grain = ? and scope_type = 'store' and period_start = cast(? as date)",
                breach.metric, grain, breach.period_start,
            )  # fmt: skip
        elif breach.scope_type == "store":
            parts = self._rows(
                "kpi.kpi_cuts",
                "select 'category', category, coalesce(numerator, value) from kpi.kpi_cuts where metric = ? and"
                " grain = ? and period_start = cast(? as date) and store_id = ? and category is not null"
                " and channel is null and product_id is null and campaign_id is null",
                breach.metric, grain, breach.period_start, breach.scope_id,
            )  # fmt: skip
        else:
            return None
        known = [(kind, str(name), float(amount)) for kind, name, amount in parts if amount is not None and amount > 0]
        if len(known) < 2:
            return None
        kind, name, amount = max(known, key=lambda part: part[2])
        return kind, name, amount / sum(part[2] for part in known)
