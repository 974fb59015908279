"""Sensors: alerts go out within a tick of a publication, and a run that died tells the data channel."""

from __future__ import annotations

import os

import dagster as dg

from ingestion.company import Company
from orchestration.pipeline import Pipeline


def sensors(company: Company | None) -> list[dg.SensorDefinition]:
    """The alert dispatcher and the run-failure sensor; both do nothing without a company folder."""

    @dg.sensor(name="send_alerts", minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
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
        if company is not None:
            Pipeline(company).tell()

    return [send_alerts, report_failed_run]
