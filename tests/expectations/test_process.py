"""Checks in a process of their own: the same verdicts, whatever becomes of that process."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

from expectations import checks, prepare, process, run_checks


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> multiprocessing.process.BaseProcess:
    monkeypatch.setattr(process, "_waiting", [])
    with monkeypatch.context() as not_loaded:
        not_loaded.delitem(sys.modules, "great_expectations", raising=False)
        prepare()
    (child,) = (child for child in multiprocessing.active_children() if child.name == "kpi-checks")
    return child


def told(warehouse: Path, quality: Path) -> set[tuple[str, str | None, bool]]:
    return {(v.check, v.store_id, v.passed) for v in run_checks(warehouse, quality, "run-1")}


def test_the_process_gives_the_verdicts_of_this_one_and_ends(
    prepared: multiprocessing.process.BaseProcess, warehouse: Path, tmp_path: Path
) -> None:
    there = told(warehouse, tmp_path / "there")
    prepared.join()
    assert prepared.exitcode == 0
    assert (tmp_path / "there" / "index.html").exists()
    assert there == told(warehouse, tmp_path / "here")


def test_checks_run_here_where_the_process_was_killed(
    prepared: multiprocessing.process.BaseProcess, warehouse: Path, tmp_path: Path
) -> None:
    prepared.kill()
    prepared.join()
    assert told(warehouse, tmp_path / "here")


def test_what_goes_wrong_there_is_raised_here(prepared: multiprocessing.process.BaseProcess, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="nowhere") as here:
        checks.run_checks(tmp_path / "nowhere.duckdb", tmp_path, "run-1")
    with pytest.raises(type(here.value), match="nowhere"):
        run_checks(tmp_path / "nowhere.duckdb", tmp_path, "run-1")
    prepared.join()


def test_the_process_ends_when_the_run_is_killed() -> None:
    run = "import os, signal; from expectations import prepare; prepare(); os.kill(os.getpid(), signal.SIGKILL)"
    # The pipe is closed when the last process that holds it has ended, which the run's child does, too.
    killed = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, timeout=120)
    assert killed.returncode == -9
    assert killed.stderr == ""
