"""A standalone cluster on loopback builds the sandbox company; a worker that dies in the middle changes nothing."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from orchestration.spark_files import write_built
from sandbox.company import environment, write_company
from sandbox.platforms.control import world_time
from sandbox.platforms.server import SandboxServer
from sandbox.platforms.state import State
from sandbox.world import simulate
from tests.e2e.warm_kpi import kpi
from tests.spark.daemons import daemon, logged
from tests.spark.engines import building
from tests.spark.equal import differences

pytestmark = [pytest.mark.spark, pytest.mark.slow]

AS_OF = date(2025, 3, 21)
DATABASE = "cluster"


@dataclass(frozen=True)
class Cluster:
    """A master and two workers of one core each; their logs are in `folder`."""

    url: str
    workers: list[subprocess.Popen[str]]
    folder: Path


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with contextlib.ExitStack() as stack:

        def started(name: str, log: str, *arguments: str) -> subprocess.Popen[str]:
            on_loopback = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
            return daemon(stack, tmp_path / log, f"org.apache.spark.deploy.{name}", *on_loopback, *arguments)

        master = started("master.Master", "master.log")
        url = logged(tmp_path / "master.log", r"Starting Spark master at (spark://\S+)", master)
        workers = []
        for number in range(2):
            log = f"worker{number}.log"
            folder = ("-d", str(tmp_path / f"worker{number}"), "--cores", "1", "--memory", "1500m")
            workers.append(started("worker.Worker", log, *folder, url))
            logged(tmp_path / log, r"(Successfully registered) with master", workers[-1])
        yield Cluster(url, workers, tmp_path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """What a run of the sandbox company has landed, and built with DuckDB."""
    world = simulate(7, AS_OF - timedelta(days=30), 31, 8, AS_OF - timedelta(days=1))
    with SandboxServer(State(world, world_time(AS_OF))) as server:
        write_company(tmp_path / "company", server.url, world.start, world.story_day)
        ended = kpi(tmp_path / "company", "run", "--as-of", str(AS_OF), env=environment(server.url))
    assert ended.code == 0, ended.err
    return tmp_path / "company" / "data"


def test_tables_are_equal_though_a_worker_dies_while_they_are_built(data: Path, cluster: Cluster) -> None:
    tables, built = data / "tables", data / "on_cluster.duckdb"
    settings = {"KPI_DATABASE": DATABASE, "KPI_SPARK_MASTER": cluster.url, "KPI_SPARK_WAREHOUSE": str(tables)}
    for line in building(data, settings):
        if "START sql incremental model cluster_core.fct_ledger_entry" in line:
            cluster.workers[1].kill()

    assert cluster.workers[1].wait() == -9
    assert "Asked to launch executor" in (cluster.folder / "worker1.log").read_text()
    write_built(str(tables), DATABASE, built)
    assert differences(data / "warehouse.duckdb", built) == {}
