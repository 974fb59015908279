"""What every benchmark shares: the row it reports, and a fresh process to be measured in."""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One line of the results.

    Attributes:
        number: the row of the goals, 1 to 9.
        work: what was done, with the real sizes.
        seconds: wall time of the work.
        baseline: what it is held against.
        baseline_seconds: wall time of the baseline, measured in the same minute on the same data.
        goal: the goal in words.
        met: whether this run met the goal.
        peak_mb: the largest resident memory of the process that did the work, in MB (10^6 bytes).
        note: what a reader must know to read the figure.
    """

    number: int
    work: str
    seconds: float
    baseline: str
    baseline_seconds: float
    goal: str
    met: bool
    peak_mb: float
    note: str = ""


def in_child(function: Callable[..., Any], *args: Any) -> tuple[float, float, Any]:
    """Run a picklable callable in a process of its own, so that its memory is its own too.

    Returns:
        Wall seconds of the call (without starting Python and importing the callable's module), the process's peak
        resident memory in MB, and what the callable returned.

    Raises:
        Whatever the callable raised.
    """
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measured, function, args).result()


def _measured(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[float, float, Any]:
    started = time.perf_counter()
    result = function(*args)
    return time.perf_counter() - started, _peak_mb(), result


def _peak_mb() -> float:
    # On Linux ru_maxrss outlives exec, so a child would report its parent's peak; VmHWM starts afresh.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
