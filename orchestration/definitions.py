"""What Dagster loads: the asset graph, the run job, a schedule per region, and the sensors."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import dagster as dg

from ingestion.company import Company
from orchestration import warehouse
from orchestration.assets import landing_assets, publishing_assets, warehouse_assets
from orchestration.company_location import company_root, configured_company
from orchestration.sensors import sensors

RUN_JOB = "kpi_run"
DAILY_HOUR = 6  # local: yesterday's orders are in, and Amazon's reports of the night are ready


def schedules(company: Company | None, job: dg.JobDefinition | object) -> list[dg.ScheduleDefinition]:
    """One daily schedule per region, in the time zone of the region's first store."""
    zones: dict[str, str] = {}
    for store in company.stores if company else ():
        zones.setdefault(store.region, store.timezone)
    return [
        dg.ScheduleDefinition(
            name=f"daily_{region.lower()}",
            job=job,  # type: ignore[arg-type]
            cron_schedule=f"0 {DAILY_HOUR} * * *",
            execution_timezone=zone,
        )
        for region, zone in sorted(zones.items())
    ]


def manifest_path() -> Path:
    """dbt's manifest, parsed again whenever the project is not the one it was parsed from."""
    company = configured_company()
    root = company.root if company else company_root()
    target = (root / "data" / "state" / "dbt" / "target") if company else warehouse.PROJECT_DIR / "target"
    manifest, stamp = target / "manifest.json", target / "manifest.stamp"
    project = _project_stamp()
    if not manifest.exists() or not stamp.exists() or stamp.read_text(encoding="utf-8") != project:
        stamp.unlink(missing_ok=True)
        warehouse.parse(root, target)
        stamp.write_text(project, encoding="utf-8")
    return manifest


def _project_stamp() -> str:
    """A hash of the project's files by place, size and time: an older release has older files, not newer ones."""
    project = warehouse.PROJECT_DIR
    folders = ("models", "macros", "seeds")
    files = [*project.glob("*.yml"), *(path for folder in folders for path in (project / folder).rglob("*"))]
    seen = [f"{path} {(at := path.stat()).st_size} {at.st_mtime_ns}" for path in sorted(files) if path.is_file()]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


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
        schedules=schedules(company, job),
        sensors=sensors(company),
        executor=dg.in_process_executor,
    )
