"""`kpi run` without a daemon: the same Dagster job, in this process, with an instance that the web page can open."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.pipeline import Pipeline, RunOptions

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from ingestion.company import Company
    from orchestration.run_summary import RunSummary


def dagster_home(root: Path) -> Path:
    """The instance folder of a company, made with telemetry off and one run at a time."""
    home = root / "data" / "state" / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists():
        settings.write_text(
            "telemetry:\n  enabled: false\nrun_coordinator:\n  module: dagster.core.run_coordinator\n"
            "  class: QueuedRunCoordinator\n  config:\n    max_concurrent_runs: 1\n",
            encoding="utf-8",
        )
    return home


def free_abandoned_runs(instance: DagsterInstance) -> int:
    """Mark runs failed that a killed process left, and free their pool slots. Call it under the run lock only."""
    from dagster import DagsterRunStatus, RunsFilter

    abandoned = instance.get_runs(
        RunsFilter(statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.CANCELING])
    )
    for run in abandoned:
        instance.report_run_failed(run, "the process of this run ended without a word; the next run took over")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(abandoned)


def _logger_for(listener: logging.Handler) -> logging.Logger:
    logger = logging.Logger("kpi.run", logging.DEBUG)
    logger.addHandler(listener)
    return logger


def execute(company: Company, options: RunOptions, listener: logging.Handler) -> RunSummary:
    """Run the job once and return its verdict. Steps that fail are in the summary; only a broken project raises.

    Args:
        company: whose run it is; the caller holds its lock.
        options: what was asked for.
        listener: hears Dagster's log of the run, records as Dagster's own loggers get them (`dagster_meta`).
    """
    os.environ["KPI_COMPANY"] = str(company.root)
    os.environ["DAGSTER_HOME"] = str(dagster_home(company.root))

    import dagster as dg

    from orchestration.assets import RunConfig, landing_specs
    from orchestration.definitions import RUN_JOB, build_definitions

    # The web page has the whole log. Naming a logger also keeps Dagster's console logger away from the terminal.
    terminal = dg.logger(config_schema={})(lambda _: _logger_for(listener))
    definitions = dg.Definitions.merge(build_definitions(), dg.Definitions(loggers={"terminal": terminal}))
    job = definitions.resolve_job_def(RUN_JOB)
    config = RunConfig(
        date_from=options.date_from.isoformat() if options.date_from else None,
        date_to=options.date_to.isoformat() if options.date_to else None,
        as_of=options.as_of.isoformat() if options.as_of else None,
        full_refresh=options.full_refresh,
    )
    selection = None
    if options.sources:
        skipped = {
            spec.key for spec in landing_specs(company) if spec.key.path[1] not in (*options.sources, "reference")
        }
        selection = [key for key in job.asset_layer.executable_asset_keys if key not in skipped]
    with dg.DagsterInstance.get() as instance:
        abandoned = free_abandoned_runs(instance)
        if abandoned:
            _logger_for(listener).info(f"{abandoned} earlier run ended without a word; its work is taken over")
        result = job.execute_in_process(
            run_config=dg.RunConfig(
                ops={"land": config},
                loggers={"terminal": {"config": {}}},
            ),
            instance=instance,
            raise_on_error=False,
            asset_selection=selection,
        )
    pipeline = Pipeline(company)
    errors = [
        f"{event.step_key}: {event.step_failure_data.error.message if event.step_failure_data.error else 'failed'}"
        for event in result.all_events
        if event.is_step_failure and event.step_key != "slack__alerts"
    ]
    return pipeline.summary([" ".join(error.split()) for error in errors])
