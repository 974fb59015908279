"""kill -9 at any moment of a run, then one quiet run: published tables and Slack are as if nothing had happened."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.platforms.server import SandboxServer
from tests.e2e.companies import drop_sales, published_tables, retail_company, slack
from tests.e2e.warm_kpi import Kill, kpi

pytestmark = pytest.mark.slow

AS_OF = "2024-03-04"
ALERTS = """
rules:
  - {id: sales_low, metric: gmv, scope: {type: store}, condition: {below: 1000}}
  - {id: no_orders, metric: orders, scope: {type: company}, condition: {below: 100}}
"""

MOMENTS = {
    "land: the package waits, nothing is in the lake": Kill("dlt.pipeline.pipeline:Pipeline.load", call=2),
    "land: files are in the lake, the load is not visible yet": Kill(
        "dlt.destinations.impl.filesystem.filesystem:FilesystemClient.complete_load", call=2
    ),
    "build: facts are half built": Kill("dbt.adapters.sql:SQLConnectionManager.add_query", about="fct_refund"),
    "check: verdicts are known, nobody is held yet": Kill("orchestration.run_state:RunState.hold"),
    "build: KPI tables are half built": Kill("dbt.adapters.sql:SQLConnectionManager.add_query", about="kpi_values"),
    "publish: the draft is complete, not renamed": Kill("orchestration.publish:_sync_to_disk"),
    "publish: renamed, nothing is told": Kill("orchestration.publish:_sync_to_disk", call=2, after=True),
    "tell: alerts fired, no message sent": Kill("orchestration.alerts:dispatch"),
    "tell: Slack has the message, the outbox does not know": Kill(
        "orchestration.alerts.dispatch:_Dispatcher._settle", call=2
    ),
}


@dataclass(frozen=True)
class World:
    """A company that has published its first day, its Slack, and what an undisturbed second run made of the rest."""

    first_day: Path
    server: SandboxServer
    env: dict[str, str]
    tables: dict[str, list[tuple[Any, ...]]]
    messages: list[str]


def _drop_the_rest(root: Path) -> None:
    drop_sales(root, "north", date(2024, 3, 2), "2,A,3,10.10", "C2,A,-1,10.10", "3,B,1,0.35")
    drop_sales(root, "north", date(2024, 3, 3), "4,A,1,7.00", "A5,B,1,-5.00", "broken,A,many,1.00")
    drop_sales(root, "south", date(2024, 3, 3), "1,C,2,99.99")


def _messages(server: SandboxServer) -> list[str]:
    return sorted(str(message["text"]) for message in server.state.slack)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("killed")
    first_day = retail_company(folder / "first_day", ["north", "south"], ALERTS)
    drop_sales(first_day, "north", date(2024, 3, 1), "1,A,2,10.10", "1,B,1,0.35")
    quiet = {"KPI_PSEUDONYM_KEY": "the same for every company"}
    assert kpi(first_day, "run", "--as-of", "2024-03-02", env=quiet).code == 0
    (first_day / "data" / "ops.sqlite").unlink()  # its alerts are of no interest: each company fires its own
    with slack() as (server, slack_env):
        env = {**quiet, **slack_env}
        undisturbed = folder / "undisturbed"
        shutil.copytree(first_day, undisturbed)
        _drop_the_rest(undisturbed)
        ended = kpi(undisturbed, "run", "--as-of", AS_OF, env=env)
        assert ended.code == 0, ended.err
        messages = _messages(server)
        assert len(messages) == 3, "two stores and the company breach their rules"
        yield World(first_day, server, env, published_tables(undisturbed), messages)


@pytest.mark.parametrize("moment", MOMENTS)
def test_one_quiet_run_mends_a_run_killed_at(moment: str, world: World, tmp_path: Path) -> None:
    company = tmp_path / "company"
    shutil.copytree(world.first_day, company)
    _drop_the_rest(company)
    world.server.state.slack.clear()

    killed = kpi(company, "run", "--as-of", AS_OF, env=world.env, kill=MOMENTS[moment])
    assert killed.code == -9, f"the run was not killed: {killed}"
    quiet = kpi(company, "run", "--as-of", AS_OF, env=world.env)

    assert quiet.code == 0, quiet.err
    assert "1 earlier run ended without a word" in quiet.err
    tables = published_tables(company)
    assert tables.keys() == world.tables.keys()
    for name, rows in world.tables.items():
        assert tables[name] == rows, name
    assert _messages(world.server) == world.messages
