"""Great Expectations takes seconds to import: a process of its own does that while the warehouse is being built."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from expectations import checks
from expectations.probe import Verdict

_waiting: list[Connection] = []


def prepare() -> None:
    """Start the process that runs the next checks, unless Great Expectations is loaded or no child is allowed."""
    if _waiting or "great_expectations" in sys.modules or multiprocessing.current_process().daemon:
        return
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=_serve, args=(theirs,), name="kpi-checks", daemon=True).start()
    theirs.close()  # so that the end of this process, however it comes, is the end of the other one
    _waiting.append(ours)


def run_checks(warehouse: Path, quality_dir: Path, run_id: str) -> list[Verdict]:
    """As `checks.run_checks`, in the process that was prepared, else in this one."""
    if not _waiting:
        return checks.run_checks(warehouse, quality_dir, run_id)
    with _waiting.pop() as connection:
        try:
            connection.send((warehouse, quality_dir, run_id))
            answer = connection.recv()
        except (EOFError, OSError):  # it was killed
            return checks.run_checks(warehouse, quality_dir, run_id)
    if isinstance(answer, Exception):
        raise answer
    verdicts: list[Verdict] = answer
    return verdicts


def _serve(connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, whose end is heard of
    checks.load()
    with contextlib.suppress(EOFError, OSError):
        request = connection.recv()
        try:
            answer: object = checks.run_checks(*request)
        except Exception as error:
            answer = error
        connection.send(answer)
