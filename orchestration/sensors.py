"""Sensors: alerts go out within a tick of a publication, and a run that died is told about and blocks nobody."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import dagster as dg

from ingestion.company import Company
from orchestration.instance import free_abandoned_runs
from orchestration.lock import AlreadyRunningError, run_lock
from orchestration.pipeline import Pipeline

STARTING = timedelta(minutes=5)  # a run that began later may not have taken its lock yet


def sensors(company: Company | None) -> list[dg.SensorDefinition]:
    """The alert dispatcher, the run-failure sensor, and the one that clears away what a kill left in the queue.

    All of them do nothing without a company folder.
    """

    @dg.sensor(
        name="send_alerts",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Sends what waits in the outbox to Slack, each message once.",
    )
    def send_alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """Send what waits in the outbox. Ticks may repeat: the outbox sends each message once."""
        if company is None:
            return dg.SkipReason("no company folder")
        from orchestration.alerts import dispatch

        sent = dispatch(company.root / "data" / "ops.sqlite", company, os.environ)
        return dg.SkipReason(f"{sent} messages sent")

    @dg.run_failure_sensor(name="report_failed_run", default_status=dg.DefaultSensorStatus.RUNNING)
    def report_failed_run(context: dg.RunFailureSensorContext) -> None:
        """Tell about a run that failed before it could tell itself; telling twice about one run says it once."""
        if company is None:
            return
        try:
            with run_lock(company.state):
                Pipeline(company).tell()
        except AlreadyRunningError as error:
            # What is under way tells itself at its end; judged now, its verdict would be half a run's.
            context.log.info(str(error))

    @dg.sensor(
        name="clear_killed_runs",
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks runs failed whose process is gone, so that they do not keep the queue waiting.",
    )
    def clear_killed_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """One run at a time may go: a killed one that is still listed as running would keep the queue waiting."""
        if company is None:
            return dg.SkipReason("no company folder")
        try:
            with run_lock(company.state):
                cleared = free_abandoned_runs(context.instance, begun_before=datetime.now(UTC) - STARTING)
        except AlreadyRunningError:
            return dg.SkipReason("a run is under way")
        return dg.SkipReason(f"{cleared} killed runs cleared away")

    return [send_alerts, report_failed_run, clear_killed_runs]
