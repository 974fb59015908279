"""The steps of one run: land, build, check, publish, tell. Dagster only decides when they are called."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from orchestration import built_definitions, warehouse
from orchestration.run_state import RunContext, RunState
from orchestration.run_summary import RunSummary
from orchestration.untouched import kpi_tables_stand

if TYPE_CHECKING:
    from expectations import Verdict
    from ingestion.company import Company, Source
    from ingestion.landing import SourceResult


@dataclass(frozen=True)
class RunOptions:
    """What `kpi run` was asked for; dates are store-local days, both ends included."""

    sources: Sequence[str] = ()
    date_from: date | None = None
    date_to: date | None = None
    as_of: date | None = None
    full_refresh: bool = False


class Pipeline:
    """One company's run. A step reads what the one before left in `data/state/run/`; any process may call it."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.data_dir = company.root / "data"
        self.state = RunState(self.data_dir / "state")

    def start(self, options: RunOptions) -> RunContext:
        """Name the run and set its clock. Other definitions than those of the last whole build ask for a full one."""
        full_refresh = options.full_refresh or built_definitions.built_by_others(self.data_dir / "state")
        return self.state.start(options.as_of, full_refresh)

    def land(self, options: RunOptions, on_result: Callable[[SourceResult], None]) -> list[SourceResult]:
        """Land the chosen sources side by side; a failing one is in the journal and touches no other."""
        from ingestion.landing import LandOptions, land_all

        context = self.state.context()
        chosen = [s for s in self.company.sources if not options.sources or s.id in options.sources]
        results = land_all(
            self.company,
            chosen,
            LandOptions(
                run_id=context.run_id,
                date_from=options.date_from,
                date_to=options.date_to,
                as_of=options.as_of,
                now=datetime.now(UTC),
                resources=None,
            ),
            on_result,
        )
        self.state.journal_loads(_load_rows(context.run_id, results))
        self.state.record(
            "land",
            {
                "sources": [
                    {
                        "source_id": r.source_id,
                        "system": r.system,
                        "rows_landed": r.rows_landed,
                        "rows_quarantined": r.rows_quarantined,
                        "seconds": round(r.seconds, 3),
                        "error": r.error,
                        "warnings": [w for resource in r.resources for w in resource.warnings],
                    }
                    for r in results
                ]
            },
        )
        return results

    def backfill(self, source: Source, date_from: date, date_to: date) -> SourceResult:
        """Land a past window of one source again, into the lake and the journal; the next run builds and proves it."""
        from ingestion.landing import LandOptions, land

        now = datetime.now(UTC)
        run_id = f"backfill-{now:%Y%m%dT%H%M%S}"
        result = land(self.company, source, LandOptions(run_id, date_from, date_to, None, now))
        self.state.journal_loads(_load_rows(run_id, [result]))
        return result

    def build_core(self) -> warehouse.BuildResult:
        """dbt: staging, intermediate, core facts and audit models."""
        from expectations import prepare
        from orchestration.alerts import write_alert_journal

        prepare()
        write_alert_journal(self.data_dir / "ops.sqlite", self.data_dir / "state")
        result = warehouse.build(
            self.company,
            select=warehouse.EVERYTHING,
            exclude=warehouse.KPI,
            full_refresh=self.state.context().full_refresh,
        )
        self.state.record("build_core", asdict(result))
        return result

    def check(self, build: warehouse.BuildResult) -> list[Verdict]:
        """Great Expectations over the audit models; decides which stores are held.

        A failing contract or data test of the build holds every store: nobody can say which of them it made wrong.
        A build that broke down says nothing about any store: who was held stays held.
        """
        from expectations import held_stores, run_checks

        context = self.state.context()
        verdicts: list[Verdict] = []
        if build.ok:
            verdicts = run_checks(self.data_dir / "warehouse.duckdb", self.data_dir / "quality", context.run_id)
            held = dict(held_stores(verdicts, [store.id for store in self.company.stores]))
            self.state.hold(held, datetime.now(UTC))
        elif build.failures == build.refused:
            checks = [failure.split(":")[0] for failure in build.refused]
            self.state.hold({store.id: checks for store in self.company.stores}, datetime.now(UTC))
        passed = sum(v.passed for v in verdicts)
        failed = sum(not v.passed and v.severity == "fail" for v in verdicts)
        warned = sum(not v.passed and v.severity == "warn" for v in verdicts)
        self.state.record(
            "check",
            {
                "passed": passed,
                "failed": failed + len(build.failures),
                "warned": warned,
                "verdicts": [asdict(v) for v in verdicts],
                "build_failures": build.failures,
            },
        )
        return verdicts

    def build_kpi(self) -> warehouse.BuildResult:
        """dbt: the KPI tables, on accepted rows only; left alone where they would come out as they are."""
        full_refresh = self.state.context().full_refresh
        if not full_refresh and kpi_tables_stand(self.data_dir / "warehouse.duckdb", self.state.held()):
            result = warehouse.BuildResult(0.0)
        else:
            result = warehouse.build(self.company, select=warehouse.KPI, full_refresh=full_refresh)
        self.state.record("build_kpi", asdict(result))
        if result.ok:
            built_definitions.remember(self.data_dir / "state")
        return result

    def publish(self) -> dict[str, Any] | None:
        """Publish what was accepted. Nothing is published when the build itself failed: the last file stays."""
        from orchestration.publish import publish

        core, kpi = self.state.recorded("build_core"), self.state.recorded("build_kpi")
        if not core or core["failures"] or not kpi or kpi["failures"]:
            return None
        begun = time.monotonic()
        published = publish(self.company, set(self.state.held()), self.state.context().run_id)
        facts = {
            "at": published.at.isoformat(),
            "tables": published.tables,
            "seconds": round(time.monotonic() - begun, 3),
        }
        self.state.record("publish", facts)
        return facts

    def prove(self) -> None:
        """Write the run's evidence, whether it was published or held back."""
        from orchestration.evidence import write_evidence

        context = self.state.context()
        land, check, published = (self.state.recorded(step) or {} for step in ("land", "check", "publish"))
        write_evidence(
            self.company,
            context.run_id,
            {
                "sources": land.get("sources", []),
                "verdicts": check.get("verdicts", []),
                "build_failures": check.get("build_failures", []),
                "held": self.state.held(),
                "published_at": published.get("at"),
            },
        )

    def tell(self, errors: Sequence[str] = ()) -> RunSummary:
        """Feed breaches and data problems to the alert states, then send what waits in the outbox.

        `errors` are one-line reasons of steps that broke down.
        """
        from orchestration.alerts import dispatch, evaluate

        ops = self.data_dir / "ops.sqlite"
        counts = evaluate(ops, self.data_dir / "published" / "company.duckdb", self.company, self.summary(errors))
        sent = dispatch(ops, self.company, os.environ)
        self.state.record("tell", {"opened": counts.opened, "recovered": counts.recovered, "sent": sent})
        return self.summary(errors)

    def summary(self, errors: Sequence[str] = ()) -> RunSummary:
        """The verdict so far: failed where a source or the build failed, held where a gate held a store back."""
        land, core, check, kpi, published, told = (
            self.state.recorded(step) or {} for step in ("land", "build_core", "check", "build_kpi", "publish", "tell")
        )
        sources = land.get("sources", [])
        problems = [*errors, *core.get("failures", []), *kpi.get("failures", [])]
        held = self.state.held()
        status = "published"
        if problems or not published or any(source["error"] for source in sources):
            status = "failed"
        gates_spoke = core.get("failures") == core.get("refused") and not kpi.get("failures") and not errors
        if held and gates_spoke:
            status = "held"
        return RunSummary(
            run_id=self.state.context().run_id,
            status=status,
            sources=sources,
            build_seconds=round(core.get("seconds", 0.0) + kpi.get("seconds", 0.0), 3),
            checks={name: check.get(name, 0) for name in ("passed", "warned", "failed")},
            held=held,
            published_at=published.get("at"),
            alerts={name: told.get(name, 0) for name in ("opened", "recovered", "sent")},
            errors=problems,
            warnings=_warnings(check.get("verdicts", [])),
        )


def _warnings(verdicts: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line per check that warned, naming its first stores."""
    found: dict[str, list[str]] = {}
    for verdict in verdicts:
        if not verdict["passed"] and verdict["severity"] == "warn":
            found.setdefault(verdict["check"], []).append(f"{verdict['store_id'] or 'all'} ({verdict['observed']})")
    return [
        f"{check}: {', '.join(stores[:3])}" + (f" and {len(stores) - 3} more" if stores[3:] else "")
        for check, stores in found.items()
    ]


def _load_rows(run_id: str, results: Sequence[SourceResult]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for source in results:
        for resource in source.resources:
            row = asdict(resource)
            row.pop("warnings", None)
            row.pop("load_id", None)
            rows.append({"run_id": run_id, "source_id": source.source_id, "system": source.system, **row})
        if source.error and not source.resources:
            now = datetime.now(UTC).isoformat()
            rows.append(
                {
                    "run_id": run_id,
                    "source_id": source.source_id,
                    "system": source.system,
                    "resource": None,
                    "window_from": None,
                    "window_to": None,
                    "rows_landed": 0,
                    "rows_quarantined": 0,
                    "started_at": now,
                    "finished_at": now,
                    "status": "failed",
                    "error": source.error,
                }
            )
    return rows
