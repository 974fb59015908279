"""`kpi run` without a daemon: the same Dagster job, in this process, with an instance that the web page can open."""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING

from orchestration.instance import dagster_home
from orchestration.pipeline import Pipeline, RunOptions

if TYPE_CHECKING:
    from dagster_shared.error import SerializableErrorInfo

    from ingestion.company import Company
    from orchestration.run_summary import RunSummary


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

    from orchestration.assets import REFERENCE_SOURCE, TELL_STEP, RunConfig, landed_source
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
        wanted = {*options.sources, REFERENCE_SOURCE, None}
        selection = [key for key in job.asset_layer.executable_asset_keys if landed_source(key) in wanted]
    pipeline = Pipeline(company)
    before = pipeline.state.run_id()
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            run_config=dg.RunConfig(ops={"land": config}, loggers={"terminal": {"config": {}}}),
            instance=instance,
            raise_on_error=False,
            asset_selection=selection,
        )
    told = pipeline.state.recorded("tell") is not None
    # The last step fails the run of a failed source, which the summary says in its own words.
    broken = [
        event for event in result.all_events if event.is_step_failure and not (told and event.step_key == TELL_STEP)
    ]
    errors = [f"{event.step_key}: {_reason(event.step_failure_data.error)}" for event in broken]
    if pipeline.state.run_id() == before:
        raise RuntimeError("; ".join(errors) or "the run did not begin")
    return pipeline.summary(errors) if told else _tell_late(pipeline, errors)


def _tell_late(pipeline: Pipeline, errors: list[str]) -> RunSummary:
    """Dagster skips what follows a broken step, but a run that broke is just what somebody must hear of."""
    try:
        return pipeline.tell(errors)
    except Exception as trouble:
        told = f"tell: {' '.join(str(trouble).split())}"
        return pipeline.summary([*errors, told] if told not in errors else errors)


def _reason(error: SerializableErrorInfo | None) -> str:
    """The innermost message, in one line, without the name of its class."""
    while error is not None and error.cause is not None:
        error = error.cause
    text = " ".join(error.message.split()) if error else "failed"
    return re.sub(r"^[\w.]*(Error|Exception|Failure): ", "", text)
