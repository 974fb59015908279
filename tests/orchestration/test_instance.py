"""Who may run: one run at a time, whoever launches it, and none that a killed one left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ingestion.company import load_company
from orchestration.assets import landing_assets
from orchestration.instance import dagster_home, free_abandoned_runs
from orchestration.lock import run_lock
from orchestration.sensors import sensors

COMPANY = """
name: One
reporting_currency: GBP
stores:
  - {id: shop, platform: own_site, region: EU, currency: GBP, timezone: Europe/London, opened_on: 2024-03-01}
"""
HOLD = """
import sys
from pathlib import Path
from orchestration.lock import hold_for_process
hold_for_process(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@dg.job
def a_job() -> None:
    pass


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "company.yml").write_text(COMPANY, encoding="utf-8")
    monkeypatch.setenv("KPI_COMPANY", str(tmp_path))
    return tmp_path


@pytest.fixture
def other_run(root: Path) -> Iterator[int]:
    """A process that holds the company's lock, as a `kpi run` does."""
    state = root / "data" / "state"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process.pid
    process.kill()
    process.wait()


def _started(instance: dg.DagsterInstance) -> str:
    return instance.create_run_for_job(a_job, status=dg.DagsterRunStatus.STARTED).run_id


def test_a_launch_from_the_web_page_takes_the_lock_of_kpi_run(
    root: Path, other_run: int, instance: dg.DagsterInstance
) -> None:
    result = dg.materialize([landing_assets(load_company(root))], instance=instance, raise_on_error=False)
    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    error = failure.step_failure_data.error
    assert error is not None and error.cause is not None
    assert "another run is under way" in error.cause.message and str(other_run) in error.cause.message


def test_whoever_holds_the_lock_is_the_one_run_that_lives(instance: dg.DagsterInstance) -> None:
    killed, alive = _started(instance), _started(instance)
    assert free_abandoned_runs(instance, alive=alive) == 1
    by_id = {run.run_id: run.status for run in instance.get_runs()}
    assert by_id == {killed: dg.DagsterRunStatus.FAILURE, alive: dg.DagsterRunStatus.STARTED}


def test_a_young_run_may_not_have_its_lock_yet(instance: dg.DagsterInstance) -> None:
    _started(instance)
    now = datetime.now(UTC)
    assert free_abandoned_runs(instance, begun_before=now - timedelta(minutes=5)) == 0
    assert free_abandoned_runs(instance, begun_before=now + timedelta(minutes=5)) == 1


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Filled when a sensor tells about the last run."""
    calls: list[str] = []
    monkeypatch.setattr("orchestration.sensors.Pipeline.tell", lambda pipeline: calls.append(pipeline.company.name))
    return calls


def _report_failure(root: Path, instance: dg.DagsterInstance) -> None:
    failed = instance.create_run_for_job(a_job, status=dg.DagsterRunStatus.FAILURE)
    context = dg.build_run_status_sensor_context(
        sensor_name="report_failed_run",
        dagster_instance=instance,
        dagster_run=failed,
        dagster_event=dg.DagsterEvent("PIPELINE_FAILURE", a_job.name, message="failed"),
    )
    by_name = {sensor.name: sensor for sensor in sensors(load_company(root))}
    by_name["report_failed_run"](context.for_run_failure())


def test_a_run_that_died_is_told_about(root: Path, instance: dg.DagsterInstance, told: list[str]) -> None:
    _report_failure(root, instance)
    assert told == ["One"]


def test_a_refused_launch_does_not_judge_the_run_under_way(
    root: Path, other_run: int, instance: dg.DagsterInstance, told: list[str]
) -> None:
    _report_failure(root, instance)
    assert told == []


def test_killed_runs_are_cleared_away_only_while_nothing_runs(root: Path, instance: dg.DagsterInstance) -> None:
    by_name = {sensor.name: sensor for sensor in sensors(load_company(root))}
    context = dg.build_sensor_context(instance=instance)
    assert "0 killed runs" in str(by_name["clear_killed_runs"](context))
    with run_lock(root / "data" / "state"):
        assert "under way" in str(by_name["clear_killed_runs"](context))


def test_the_instance_of_a_company_is_quiet_and_runs_one_at_a_time(tmp_path: Path) -> None:
    home = dagster_home(tmp_path)
    (home / "dagster.yaml").write_text("telemetry: {enabled: true}\n", encoding="utf-8")
    with dg.DagsterInstance.from_config(str(dagster_home(tmp_path))) as instance:
        assert instance.telemetry_enabled is False
        config = instance.get_concurrency_config()
        assert config.run_queue_config is not None and config.run_queue_config.max_concurrent_runs == 1
        assert config.pool_config.default_pool_limit == 1
