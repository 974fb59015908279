"""dbt in a warm process: the only writer of the warehouse."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion.company import Company

PROJECT_DIR = Path(__file__).resolve().parent.parent / "dbt_project"

KPI = ("fqn:crossborder_kpi.marts.kpi", "fqn:crossborder_kpi.marts.kpi_end")
EVERYTHING = ("fqn:*",)


@dataclass(frozen=True)
class BuildResult:
    """One dbt invocation: seconds, what was built, and each failure as `node: message` in one line.

    `refused` are those failures that are a verdict on the data (a data test, a contract); the others say that nothing
    could be built at all.
    """

    seconds: float
    built: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.failures


def dbt_environment(root: Path) -> dict[str, str]:
    """The variables that dbt's profile and macros read; all of them are paths of the company folder `root`."""
    data = root / "data"
    return {
        "KPI_LAKE": os.environ.get("KPI_LAKE", str(data / "lake")),
        "KPI_STATE": str(data / "state"),
        "KPI_WAREHOUSE": str(data / "warehouse.duckdb"),
        "KPI_PUBLISHED": str(data / "published" / "company.duckdb"),
        "KPI_THREADS": os.environ.get("KPI_THREADS", str(min(os.cpu_count() or 2, 8))),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def dbt_arguments(target: Path, logs: Path) -> list[str]:
    """Arguments that every dbt call of this project shares: where the project is, where its scratch goes."""
    return [
        "--project-dir", str(PROJECT_DIR),
        "--profiles-dir", str(PROJECT_DIR),
        "--target-path", str(target),
        "--log-path", str(logs),
    ]  # fmt: skip


def build(
    company: Company, *, select: tuple[str, ...], exclude: tuple[str, ...] = (), full_refresh: bool = False
) -> BuildResult:
    """Run `dbt build` over a selection, data tests included; unit tests judge the code and belong to `make test`.

    Never raises for a failing node: `failures` names each, and the caller decides what it holds.
    """
    from dbt.cli.main import dbtRunner

    state_dir = company.root / "data" / "state"
    arguments = [
        "build",
        *dbt_arguments(state_dir / "dbt" / "target", state_dir / "logs"),
        "--quiet",
        "--select",
        *select,
    ]
    if exclude:
        arguments += ["--exclude", *exclude]
    arguments += ["--exclude-resource-type", "unit_test"]
    if full_refresh:
        arguments.append("--full-refresh")
    begun = time.monotonic()
    printed = io.StringIO()
    with _environment(dbt_environment(company.root)), contextlib.redirect_stdout(printed):
        outcome = dbtRunner().invoke(arguments)
    _close_warehouse()
    seconds = time.monotonic() - begun
    built: list[str] = []
    failures: list[str] = []
    refused: list[str] = []
    warnings: list[str] = []
    for result in getattr(outcome.result, "results", None) or []:
        line = f"{result.node.name}: {' '.join(str(result.message or result.status).split())}"
        if result.status in ("error", "fail", "runtime error"):
            failures.append(line)
            if result.status == "fail" or "enforced contract that failed" in line:
                refused.append(line)
        elif result.status == "warn":
            warnings.append(line)
        elif result.status == "success":
            built.append(result.node.unique_id)
    if not outcome.success and not failures:
        failures.append(f"dbt: {' '.join(str(outcome.exception or printed.getvalue()).split())[:500]}")
    return BuildResult(seconds, built, failures, refused, warnings)


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set variables for one dbt call only: left behind, they would point the next company at this one's lake."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _close_warehouse() -> None:
    """dbt keeps its connection for the next call, and DuckDB then refuses readers in this process."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager.env().close()
        DuckDBConnectionManager.close_all_connections()


def parse(root: Path, target: Path) -> None:
    """Write dbt's manifest to `target`, for Dagster's asset graph.

    Raises:
        RuntimeError: the dbt project does not parse; the message is dbt's own.
    """
    from dbt.cli.main import dbtRunner

    with _environment(dbt_environment(root)), contextlib.redirect_stdout(io.StringIO()):
        outcome = dbtRunner().invoke(["parse", *dbt_arguments(target, target / "logs"), "--quiet"])
    if not outcome.success:
        raise RuntimeError(f"the dbt project does not parse: {outcome.exception}")
