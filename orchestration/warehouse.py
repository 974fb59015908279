"""dbt in a warm process: the only writer of the warehouse."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.spark_files import write_built

if TYPE_CHECKING:
    from ingestion.company import Company

LONGEST_MESSAGE = 500  # Spark ends its messages with the whole plan
PROJECT_DIR = Path(__file__).resolve().parent.parent / "dbt_project"

KPI = ("fqn:crossborder_kpi.marts.kpi", "fqn:crossborder_kpi.marts.built")
EVERYTHING = ("fqn:*",)
TARGETS = {"duckdb": "local", "spark": "spark"}


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


def dbt_environment(root: Path, lake: str | None = None) -> dict[str, str]:
    """The variables that dbt's profile and macros read; all paths are of the company folder `root`.

    Args:
        root: the company folder.
        lake: path or URL of the lake, else `KPI_LAKE`, else `data/lake`.
    """
    data = root / "data"
    lake = lake or os.environ.get("KPI_LAKE") or str(data / "lake")
    bucket = [{"fs": lake.partition("://")[0], "use_listings_cache": False}] if "://" in lake else []
    return {
        "KPI_LAKE": lake,
        "KPI_FILESYSTEMS": repr(bucket),
        "KPI_STATE": str(data / "state"),
        "KPI_WAREHOUSE": str(data / "warehouse.duckdb"),
        "KPI_PUBLISHED": str(data / "published" / "company.duckdb"),
        "KPI_DATABASE": os.environ.get("KPI_DATABASE", "kpi"),
        "KPI_SPARK_WAREHOUSE": os.environ.get("KPI_SPARK_WAREHOUSE", str(data / "spark" / "tables")),
        "KPI_SPARK_METASTORE": os.environ.get(
            "KPI_SPARK_METASTORE", f"jdbc:derby:;databaseName={data / 'spark' / 'metastore'};create=true"
        ),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def dbt_arguments(target: Path, logs: Path, engine: str = "duckdb", root: Path | None = None) -> list[str]:
    """Arguments that every dbt call of this project shares: where the project is, where its scratch goes, which engine.

    A `profiles.yml` in the company folder `root` is taken for the project's own: how a company reaches its cluster.
    """
    profiles = root if root and (root / "profiles.yml").exists() else PROJECT_DIR
    return [
        "--project-dir", str(PROJECT_DIR),
        "--profiles-dir", str(profiles),
        "--target", TARGETS[engine],
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

    missing = _missing(company.engine)
    if missing:
        return BuildResult(0.0, failures=[missing])
    arguments = [
        "build",
        *_arguments_for(company),
        "--quiet",
        "--no-write-json",
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
    with _environment(dbt_environment(company.root, company.lake)), contextlib.redirect_stdout(printed):
        outcome = dbtRunner().invoke(arguments)
    if company.engine == "duckdb":
        _close_warehouse()
    else:
        variables = dbt_environment(company.root, company.lake)
        write_built(
            variables["KPI_SPARK_WAREHOUSE"], variables["KPI_DATABASE"], company.root / "data" / "warehouse.duckdb"
        )
    seconds = time.monotonic() - begun
    built: list[str] = []
    failures: list[str] = []
    refused: list[str] = []
    warnings: list[str] = []
    for result in getattr(outcome.result, "results", None) or []:
        line = f"{result.node.name}: {' '.join(str(result.message or result.status).split())[:LONGEST_MESSAGE]}"
        if result.status in ("error", "fail", "runtime error"):
            failures.append(line)
            if result.status == "fail" or "enforced contract that failed" in line:
                refused.append(line)
        elif result.status == "warn":
            warnings.append(line)
        elif result.status == "success":
            built.append(result.node.unique_id)
    if not outcome.success and not failures:
        failures.append(f"dbt: {_reason(outcome.exception, printed)}")
    return BuildResult(seconds, built, failures, refused, warnings)


def operate(company: Company, macro: str, arguments: dict[str, Any]) -> str | None:
    """Run one macro by `dbt run-operation`; what went wrong, in one line, or None."""
    from dbt.cli.main import dbtRunner

    command = ["run-operation", macro, "--args", json.dumps(arguments), "--quiet"]
    printed = io.StringIO()
    with _environment(dbt_environment(company.root, company.lake)), contextlib.redirect_stdout(printed):
        outcome = dbtRunner().invoke([*command, *_arguments_for(company)])
    if outcome.success:
        return None
    return _reason(outcome.exception, printed)


def _reason(error: BaseException | None, printed: io.StringIO) -> str:
    """Why a whole invocation ended, in one line; an interruption has no message, and its name says it."""
    text = " ".join((str(error) if error else printed.getvalue()).split())[:LONGEST_MESSAGE]
    return text or (type(error).__name__ if error else "ended without a word")


def _arguments_for(company: Company) -> list[str]:
    """dbt's scratch is apart for Spark: its schemas have other names than those of the manifest that Dagster reads."""
    state = company.root / "data" / "state"
    scratch = state / "dbt" / ("target" if company.engine == "duckdb" else company.engine)
    return dbt_arguments(scratch, state / "logs", company.engine, company.root)


def _missing(engine: str) -> str | None:
    """What an engine still needs on this machine, in one line."""
    if engine == "spark" and importlib.util.find_spec("pyspark") is None:
        return "engine: spark is not installed: pip install '.[spark]' and Java 17 or newer, or set engine: duckdb"
    return None


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
