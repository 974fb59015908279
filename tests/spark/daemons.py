"""Spark's own daemons on loopback, started for a test and followed by their logs."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from pathlib import Path

from tests.spark.conftest import SPARK


def daemon(stack: contextlib.ExitStack, log: Path, name: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a Java class of Spark's that logs to a file; it is killed when `stack` is left."""
    import pyspark

    home = Path(pyspark.__file__).parent
    bare = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_"))}
    process = subprocess.Popen(
        [str(home / "bin" / "spark-class"), name, *arguments],
        env=bare | SPARK | {"SPARK_HOME": str(home)}, cwd=log.parent,
        stdout=subprocess.DEVNULL, stderr=log.open("w"), text=True,
    )  # fmt: skip
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def logged(log: Path, pattern: str, process: subprocess.Popen[str]) -> str:
    """Follow a daemon's log until a line matches; its first group."""
    with subprocess.Popen(["tail", "-n", "+1", f"--pid={process.pid}", "-f", str(log)], stdout=subprocess.PIPE,
                          text=True) as follower:  # fmt: skip
        assert follower.stdout
        try:
            for line in follower.stdout:
                if found := re.search(pattern, line):
                    return found[1]
        finally:
            follower.kill()
    raise AssertionError(f"{log.name} ended without {pattern}: {log.read_text()[-2000:]}")
