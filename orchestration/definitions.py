"""What Dagster loads: the asset graph, the run job, a schedule per region, and the sensors."""

from __future__ import annotations

import os
import re
from pathlib import Path

import dagster as dg

from ingestion.company import Company
from orchestration import built_definitions, warehouse
from orchestration.assets import landed_source, landing_assets, publishing_assets, warehouse_assets
from orchestration.company_location import company_root, configured_company
from orchestration.sensors import sensors

RUN_JOB = "kpi_run"
DAILY_HOUR = 6  # local: yesterday's orders are in, and Amazon's reports of the night are ready


def schedules(company: Company | None) -> list[dg.ScheduleDefinition]:
    """One daily schedule per region, in the time zone of its first store: its own sources and those of no store."""
    zones: dict[str, str] = {}
    for store in company.stores if company else ():
        zones.setdefault(store.region, store.timezone)
    return [_daily(company, region, zone) for region, zone in sorted(zones.items()) if company]


def _daily(company: Company, region: str, zone: str) -> dg.ScheduleDefinition:
    elsewhere = {store.id for store in company.stores if store.region != region}
    left_out = {source.id for source in company.sources if source.store in elsewhere}

    @dg.schedule(
        name=f"daily_{re.sub(r'[^a-z0-9]', '_', region.lower())}",
        job_name=RUN_JOB,
        cron_schedule=f"0 {DAILY_HOUR} * * *",
        execution_timezone=zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Every morning at {DAILY_HOUR} in {zone}: lands region {region}, then builds, checks, publishes.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        keys = context.repository_def.get_job(RUN_JOB).asset_layer.executable_asset_keys
        return dg.RunRequest(asset_selection=[key for key in keys if landed_source(key) not in left_out])

    return daily


def manifest_path() -> Path:
    """dbt's manifest, parsed again whenever the project is not the one it was parsed from."""
    company = configured_company()
    root = company.root if company else company_root()
    target = (root / "data" / "state" / "dbt" / "target") if company else warehouse.PROJECT_DIR / "target"
    manifest, stamp = target / "manifest.json", target / "manifest.stamp"
    project = built_definitions.fingerprint()
    if not manifest.exists() or not stamp.exists() or stamp.read_text(encoding="utf-8") != project:
        stamp.unlink(missing_ok=True)
        warehouse.parse(root, target)
        stamp.write_text(project, encoding="utf-8")
    return manifest


def build_definitions() -> dg.Definitions:
    """All definitions for the company of this process; without a company folder the graph has no sources."""
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    company = configured_company()
    warehouse_steps = warehouse_assets(company, manifest_path())
    kpi_keys = sorted(warehouse_steps[-1].keys, key=str)
    assets = [landing_assets(company), *warehouse_steps, *publishing_assets(kpi_keys)]
    job = dg.define_asset_job(RUN_JOB, selection=dg.AssetSelection.all(), executor_def=dg.in_process_executor)
    return dg.Definitions(
        assets=assets,
        jobs=[job],
        schedules=schedules(company),
        sensors=sensors(company),
        executor=dg.in_process_executor,
    )
