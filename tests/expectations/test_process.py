"""Checks in a process of their own: the same verdicts, whatever becomes of that process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from expectations import checks, prepare, process, run_checks

BEGIN = "import os, signal; from expectations import prepare; "


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> subprocess.Popen[bytes]:
    monkeypatch.setattr(process, "_waiting", [])
    with monkeypatch.context() as not_loaded:
        not_loaded.delitem(sys.modules, "great_expectations", raising=False)
        prepare()
    return process._waiting[0][0]


def told(warehouse: Path, quality: Path) -> set[tuple[str, str | None, bool]]:
    return {(v.check, v.store_id, v.passed) for v in run_checks(warehouse, quality, "run-1")}


def test_the_process_gives_the_verdicts_of_this_one_and_ends(
    prepared: subprocess.Popen[bytes], warehouse: Path, tmp_path: Path
) -> None:
    there = told(warehouse, tmp_path / "there")
    assert prepared.returncode == 0
    assert (tmp_path / "there" / "index.html").exists()
    assert there == told(warehouse, tmp_path / "here")


def test_checks_run_here_where_the_process_was_killed(
    prepared: subprocess.Popen[bytes], warehouse: Path, tmp_path: Path
) -> None:
    prepared.kill()
    assert told(warehouse, tmp_path / "here")
    assert prepared.returncode == -9


def test_what_goes_wrong_there_is_raised_here(prepared: subprocess.Popen[bytes], tmp_path: Path) -> None:
    with pytest.raises(Exception, match="nowhere") as here:
        checks.run_checks(tmp_path / "nowhere.duckdb", tmp_path, "run-1")
    with pytest.raises(type(here.value), match="nowhere"):
        run_checks(tmp_path / "nowhere.duckdb", tmp_path, "run-1")
    assert prepared.returncode == 0


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ("prepare()", 0),
        ("prepare(); os.kill(os.getpid(), signal.SIGKILL)", -9),
        # What a run is told to ignore, its children ignore, too.
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN); prepare()", 0),
        ("from multiprocessing import get_context as c; p = c('fork').Process(target=prepare); p.start(); p.join()", 0),
    ],
)
def test_the_process_ends_with_the_run_however_that_ends(ends: str, code: int) -> None:
    # The pipes are closed when the last process that holds them has ended, which is the prepared one.
    run = subprocess.run([sys.executable, "-c", BEGIN + ends], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stderr) == (code, "")
