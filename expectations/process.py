"""Great Expectations takes seconds to import: a process of its own does that while the warehouse is being built."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from expectations import checks
from expectations.probe import Verdict

_waiting: list[tuple[subprocess.Popen[bytes], Connection]] = []


def prepare() -> None:
    """Start the process that runs the next checks, unless one waits or Great Expectations is loaded here."""
    if _waiting or "great_expectations" in sys.modules:
        return
    ours, theirs = multiprocessing.Pipe()
    # Only the two processes hold the pipe, so the end of this one, however it comes, is heard by the other.
    with theirs:
        command = [sys.executable, "-m", "expectations", str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    _waiting.append((process, ours))


def run_checks(warehouse: Path, quality_dir: Path, run_id: str) -> list[Verdict]:
    """As `checks.run_checks`, in the process that was prepared, else in this one."""
    if not _waiting:
        return checks.run_checks(warehouse, quality_dir, run_id)
    process, connection = _waiting.pop()
    with process, connection:
        try:
            connection.send((warehouse, quality_dir, run_id))
            answer = connection.recv()
        except (EOFError, OSError):  # it was killed
            return checks.run_checks(warehouse, quality_dir, run_id)
    if isinstance(answer, Exception):
        raise answer
    verdicts: list[Verdict] = answer
    return verdicts


def serve(connection: Connection) -> None:
    """What the prepared process does: get ready, answer one request, end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, whose end is heard of
    checks.load()
    with contextlib.suppress(EOFError, OSError):
        request = connection.recv()
        try:
            answer: object = checks.run_checks(*request)
        except Exception as error:
            answer = error
        connection.send(answer)
