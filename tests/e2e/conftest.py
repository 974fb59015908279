"""A sandbox company served for the whole session, and what real runs over it published."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from ingestion.company import load_company
from orchestration.cli.run import run_company
from orchestration.pipeline import RunOptions
from orchestration.run_summary import RunSummary
from sandbox.company import environment, write_company
from sandbox.platforms.control import world_time
from sandbox.platforms.server import SandboxServer
from sandbox.platforms.state import State
from sandbox.world import World, simulate

# Long past on any machine's clock, over the spring change of clocks in the US and over a month's first and seventh day.
AS_OF = date(2025, 3, 21)
LATER = AS_OF + timedelta(days=6)
DAYS, ORDERS_PER_DAY, SEED = 46, 32, 7


@dataclass(frozen=True)
class ServedSandbox:
    """A world behind its platforms' APIs on loopback; companies of it live in folders."""

    world: World
    server: SandboxServer

    def company(self, folder: Path) -> Path:
        """Write the company folder of this world."""
        write_company(folder, self.server.url, self.world.start, self.world.story_day)
        return folder

    def run(self, folder: Path, as_of: date) -> RunSummary:
        """Set the world's clock to `as_of` and do what `kpi run --as-of` does, in this process."""
        self.server.state.now = world_time(as_of)
        with patch.dict(os.environ, environment(self.server.url)):
            return run_company(load_company(folder), RunOptions(as_of=as_of))


@dataclass(frozen=True)
class Run:
    """One run: its summary, the published file as it was then, and the Slack messages that came of it."""

    as_of: date
    summary: RunSummary
    published: Path
    folder: Path
    messages: list[str]


@pytest.fixture(scope="session")
def served_sandbox() -> Iterator[ServedSandbox]:
    """DAYS closed days before AS_OF in two stores, ten spare ones after it."""
    world = simulate(SEED, AS_OF - timedelta(days=DAYS), DAYS + 10, ORDERS_PER_DAY, AS_OF - timedelta(days=1))
    with SandboxServer(State(world, world_time(AS_OF))) as server:
        yield ServedSandbox(world, server)


@pytest.fixture(scope="session")
def first_run(served_sandbox: ServedSandbox, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A new company's first run."""
    return _run(served_sandbox, served_sandbox.company(tmp_path_factory.mktemp("company")), AS_OF)


@pytest.fixture(scope="session")
def second_run(served_sandbox: ServedSandbox, first_run: Run) -> Run:
    """The same company some days later, when orders, fees and ads of the past have been restated."""
    return _run(served_sandbox, first_run.folder, LATER)


@pytest.fixture(scope="session")
def fresh_run(served_sandbox: ServedSandbox, second_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A company that begins on the later day, with nothing of the past in its lake."""
    return _run(served_sandbox, served_sandbox.company(tmp_path_factory.mktemp("fresh")), LATER)


def _run(sandbox: ServedSandbox, folder: Path, as_of: date) -> Run:
    slack = sandbox.server.state.slack
    before = len(slack)
    summary = sandbox.run(folder, as_of)
    published = folder / "data" / "published" / "company.duckdb"
    kept = folder / f"published-{as_of}.duckdb"
    if published.exists():
        shutil.copy(published, kept)
    return Run(as_of, summary, kept, folder, [str(message["text"]) for message in slack[before:]])
