"""`kpi` as its own process, forked from a server that has imported the heavy libraries once: a run costs no import."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

PRELOADED = [
    "dagster", "dagster_dbt", "dbt.cli.main", "dbt.adapters.duckdb", "dlt", "dlt.destinations", "duckdb",
    "great_expectations", "pandas", "pyarrow.parquet",
]  # fmt: skip
LIMIT_SECONDS = 900  # a run takes ten; only a hanging one meets it


@dataclass(frozen=True)
class Kill:
    """SIGKILL to the process itself when `target` (`module:Class.method`) is called for the `call`-th time.

    `about` counts only calls whose arguments, as text, contain it; `after` lets the call happen first.
    """

    target: str
    call: int = 1
    about: str = ""
    after: bool = False

    def plant(self) -> None:
        module, path = self.target.split(":")
        *owners, name = path.split(".")
        owner = reduce(getattr, owners, importlib.import_module(module))
        original: Any = getattr(owner, name)
        calls = 0

        def killing(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += self.about in str((args, kwargs)) if self.about else 1
            if calls < self.call:
                return original(*args, **kwargs)
            if self.after:
                original(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("the process outlived SIGKILL")

        setattr(owner, name, killing)


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code (negative: the signal), and all it printed."""

    code: int
    out: str
    err: str


def kpi(
    company: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    kill: Kill | None = None,
    file_size_limit: int | None = None,
) -> Ended:
    """Run `kpi --company COMPANY ARGUMENTS` to its end; `env` is added to a bare environment."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with tempfile.TemporaryDirectory() as folder:
        printed = Path(folder)
        process = context.Process(
            target=_command,
            args=(["--company", str(company), *arguments], dict(env or {}), kill, file_size_limit, folder),
        )
        process.start()
        process.join(LIMIT_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise AssertionError(f"kpi {' '.join(arguments)} ran longer than {LIMIT_SECONDS} s")
        return Ended(process.exitcode, (printed / "out").read_text("utf-8"), (printed / "err").read_text("utf-8"))


def _command(
    arguments: Sequence[str], env: dict[str, str], kill: Kill | None, file_size_limit: int | None, folder: str
) -> None:
    for stream, name in ((sys.stdout, "out"), (sys.stderr, "err")):
        with (Path(folder) / name).open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    bare = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    os.environ.clear()
    os.environ.update(bare | env)
    sys.argv = ["kpi", *arguments]
    if kill is not None:
        kill.plant()
    if file_size_limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size_limit, file_size_limit))
    from orchestration.cli.main import main

    main()
