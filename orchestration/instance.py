"""The Dagster instance of a company: where the web page finds the history of every run, and who may run now."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance

SETTINGS = """\
# Written by kpi; what you change here is lost.
telemetry: {enabled: false}
nux: {enabled: false}
compute_logs: {module: dagster.core.storage.noop_compute_log_manager, class: NoOpComputeLogManager}
concurrency:
  runs: {max_concurrent_runs: 1}
  pools: {default_limit: 1, granularity: op}
"""


def dagster_home(root: Path) -> Path:
    """The instance folder of a company, made with telemetry off and one run at a time."""
    home = root / "data" / "state" / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists() or settings.read_text(encoding="utf-8") != SETTINGS:
        settings.write_text(SETTINGS, encoding="utf-8")
    return home


def free_abandoned_runs(
    instance: DagsterInstance, *, alive: str | None = None, begun_before: datetime | None = None
) -> int:
    """Mark runs failed that a killed process left, free their pool slots, and return how many there were.

    Call it under the run lock only: whoever holds it is the one run that lives.

    Args:
        instance: the company's instance.
        alive: the Dagster run that holds the lock.
        begun_before: leave younger runs alone; a run takes the lock shortly after it begins.
    """
    from dagster import DagsterRunStatus, RunsFilter

    statuses = [DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.CANCELING]
    wanted = RunsFilter(statuses=statuses, created_before=begun_before)
    abandoned = [run for run in instance.get_runs(wanted) if run.run_id != alive]
    for run in abandoned:
        instance.report_run_failed(run, "the process of this run ended without a word; the next run took over")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(abandoned)
