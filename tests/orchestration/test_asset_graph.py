"""What Dagster loads: a graph that only points forward, from landing to Slack, with or without a company folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from orchestration.assets import GROUPS, landed_source
from orchestration.cli.progress import STEPS
from orchestration.definitions import RUN_JOB, build_definitions

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
COMPANY = """
name: Graph
reporting_currency: USD
stores:
  - {id: us, platform: amazon, region: US, currency: USD, timezone: America/Los_Angeles, opened_on: 2025-01-01}
  - {id: jp, platform: amazon, region: JP, currency: JPY, timezone: Asia/Tokyo, opened_on: 2025-01-01}
sources:
  - {id: us_sp, system: amazon, store: us, marketplace: US}
  - {id: jp_sp, system: amazon, store: jp, marketplace: JP}
  - {id: jp_files, system: files, store: jp, mapping: meta_ads_export}
  - {id: rates, system: fx}
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("graph")
    (root / "company.yml").write_text(COMPANY, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def definitions(company: Path) -> Iterator[dg.Definitions]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KPI_COMPANY", str(company))
        built = build_definitions()
        dg.Definitions.validate_loadable(built)
        yield built


def test_every_asset_rests_on_its_own_layer_or_an_earlier_one(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    group = {key: graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert set(group.values()) == set(GROUPS.values()), "each layer is there, and nothing else"
    for key, own in group.items():
        for parent in graph.get(key).parent_keys:
            assert group[parent] <= own, f"{key.to_user_string()} rests on {parent.to_user_string()}"


def test_each_configured_resource_is_an_asset_and_all_lead_to_slack(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    landed = {key.to_user_string() for key in graph.get_all_asset_keys() if landed_source(key)}
    assert landed == {
        "lake/reference/reference", "lake/us_sp/orders", "lake/us_sp/transactions", "lake/us_sp/fba_inventory",
        "lake/jp_sp/orders", "lake/jp_sp/transactions", "lake/jp_sp/fba_inventory", "lake/jp_files/ad_daily",
        "lake/rates/rates",
    }  # fmt: skip
    reached, front = set(), [dg.AssetKey(["slack", "alerts"])]
    while front:
        key = front.pop()
        if key not in reached:
            reached.add(key)
            front += graph.get(key).parent_keys
    assert {key.to_user_string() for key in reached} >= landed
    described = [key for key in reached if landed_source(key) or key.path[0] in ("quality", "published", "slack")]
    assert all(graph.get(key).description and graph.get(key).kinds for key in described)


def test_a_run_has_six_steps_and_they_are_verbs(definitions: dg.Definitions) -> None:
    steps = {node.name for node in definitions.resolve_job_def(RUN_JOB).all_node_defs}
    assert steps == {"land", "build_core", "check_quality", "build_kpi", "publish", "tell"} == set(STEPS)


def test_only_the_steps_that_touch_the_warehouse_share_its_pool(definitions: dg.Definitions) -> None:
    pools = {node.name: node.pool for node in definitions.resolve_job_def(RUN_JOB).all_node_defs}
    assert pools["build_core"] == pools["build_kpi"] == "warehouse"
    assert pools["land"] is None


def test_each_region_runs_in_its_own_morning_and_leaves_the_others_alone(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    sources = {}
    for region, zone in (("jp", "Asia/Tokyo"), ("us", "America/Los_Angeles")):
        schedule = repository.get_schedule_def(f"daily_{region}")
        assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 6 * * *", zone)
        at = datetime(2026, 1, 5, 6, tzinfo=ZoneInfo(zone))
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_schedule_context(
                instance=instance, scheduled_execution_time=at, repository_def=repository
            )
            [request] = schedule.evaluate_tick(context).run_requests or []
        sources[region] = {landed_source(key) for key in request.asset_selection or []}
    assert sources == {
        "jp": {"jp_sp", "jp_files", "rates", "reference", None},
        "us": {"us_sp", "rates", "reference", None},
    }


def test_definitions_validate_without_a_company_folder(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", str(PROJECT / "workspace.yaml")],
        cwd=PROJECT,
        env={**os.environ, "KPI_COMPANY": str(tmp_path / "none"), "PYTHONPATH": str(PROJECT), "DAGSTER_HOME": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert not (tmp_path / "none").exists()
