"""`kpi run` with `engine: spark` does what it does with DuckDB: the same tables, messages and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.company import environment, write_company
from sandbox.platforms.control import world_time
from sandbox.platforms.server import SandboxServer
from sandbox.platforms.state import State
from sandbox.world import World, simulate
from tests.e2e.companies import OF_THE_RUN, published
from tests.e2e.warm_kpi import kpi
from tests.spark.conftest import SPARK
from tests.spark.equal import differences

pytestmark = [pytest.mark.spark, pytest.mark.slow]

AS_OF = date(2025, 3, 21)
LATER = AS_OF + timedelta(days=4)
DAYS, ORDERS_PER_DAY, SEED = 30, 8, 7
MOMENTS = OF_THE_RUN | {"at", "published_at", "slack_ts"}


@dataclass(frozen=True)
class Told:
    """What one run said: its summary, and the texts that reached Slack."""

    summary: dict[str, Any]
    messages: list[str]


@dataclass(frozen=True)
class Twins:
    """Two companies of one world that differ in `engine` alone."""

    world: World
    server: SandboxServer
    root: Path

    def company(self, engine: str) -> Path:
        folder = self.root / engine
        if not folder.exists():
            write_company(folder, self.server.url, self.world.start, self.world.story_day)
            self.choose(folder, engine)
        return folder

    def choose(self, folder: Path, engine: str) -> None:
        lines = (folder / "company.yml").read_text("utf-8").splitlines()
        lines = [line for line in lines if not line.startswith("engine:")]
        (folder / "company.yml").write_text("\n".join([*lines, f"engine: {engine}", ""]), "utf-8")

    def kpi(self, engine: str, *arguments: str) -> str:
        ended = kpi(self.company(engine), *arguments, env=environment(self.server.url) | SPARK)
        assert ended.code == 0, ended.err + ended.out
        return ended.out

    def run(self, engine: str, as_of: date) -> Told:
        self.server.state.now = world_time(as_of)
        before = len(self.server.state.slack)
        summary = json.loads(self.kpi(engine, "run", "--as-of", str(as_of), "--json").splitlines()[-1])
        return Told(summary, [str(message["text"]) for message in self.server.state.slack[before:]])

    def differences(self) -> dict[str, str]:
        files = [self.company(engine) / "data" / "published" / "company.duckdb" for engine in ("duckdb", "spark")]
        return differences(files[0], files[1], MOMENTS)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    world = simulate(SEED, AS_OF - timedelta(days=DAYS), DAYS + 6, ORDERS_PER_DAY, AS_OF - timedelta(days=1))
    with SandboxServer(State(world, world_time(AS_OF))) as server:
        yield Twins(world, server, tmp_path_factory.mktemp("twins"))


def test_first_and_later_run_publish_tell_and_answer_the_same_on_both_engines(twins: Twins) -> None:
    heard: list[str] = []
    for as_of in (AS_OF, LATER):
        duckdb, spark = twins.run("duckdb", as_of), twins.run("spark", as_of)
        assert spark.summary["status"] == duckdb.summary["status"] == "published"
        for part in ("checks", "alerts", "held"):
            assert spark.summary[part] == duckdb.summary[part], part
        assert sorted(spark.messages) == sorted(duckdb.messages)
        assert twins.differences() == {}
        heard += spark.messages
    assert any("ACoS" in message for message in heard), heard

    asked = ("query", "gmv,contribution_profit,aov", "--by", "store", "--grain", "week")
    assert twins.kpi("spark", *asked) == twins.kpi("duckdb", *asked)
    assert published(twins.company("spark"), "select count(*) from audit.publication") == [(2,)]

    twins.choose(twins.company("spark"), "duckdb")
    for folder in ("spark", "duckdb"):
        twins.kpi(folder, "run", "--as-of", str(LATER), "--full-refresh")
    assert twins.differences() == {}
