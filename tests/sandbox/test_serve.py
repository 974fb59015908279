"""`python -m sandbox serve` says when it is ready, and leaves no orphan."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

ARGUMENTS = ["--days", "10", "--orders-per-day", "8", "--as-of", "2026-03-20"]


def _serve(folder: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", "--dir", str(folder), *ARGUMENTS, *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any], Path]]:
    """A running server, what it printed, and its company folder."""
    process = _serve(tmp_path / "company")
    assert process.stdout is not None
    yield process, json.loads(process.stdout.readline()), tmp_path / "company"
    process.kill()
    process.communicate()


def test_it_prints_one_line_when_ready_and_writes_the_company(
    served: tuple[subprocess.Popen[str], dict[str, Any], Path],
) -> None:
    _, ready, folder = served
    assert set(ready) >= {"port", "url", "env", "company"}
    assert ready["url"] in (folder / "company.yml").read_text("utf-8")
    assert not any(
        secret in (folder / "company.yml").read_text("utf-8")
        for name, secret in ready["env"].items()
        if name.endswith(("SECRET", "TOKEN"))
    )
    assert requests.get(f"{ready['url']}/_control/clock", timeout=10).json() == {"now": "2026-03-20T12:00:00Z"}


def test_it_ends_when_its_stdin_closes(served: tuple[subprocess.Popen[str], dict[str, Any], Path]) -> None:
    process = served[0]
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    assert process.wait(10) == 0


def test_it_ends_on_sigterm(served: tuple[subprocess.Popen[str], dict[str, Any], Path]) -> None:
    served[0].send_signal(signal.SIGTERM)
    assert served[0].wait(10) == 0


def test_a_folder_begun_earlier_goes_on_with_its_own_world(tmp_path: Path) -> None:
    memories = []
    for more in ([], ["--as-of", "2026-03-22", "--seed", "9"]):
        process = _serve(tmp_path, *more)
        assert process.stdout is not None
        process.stdout.readline()
        process.communicate(timeout=10)
        memories.append((tmp_path / "sandbox.json").read_text("utf-8"))
    assert memories[0] == memories[1]
