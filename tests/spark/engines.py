"""Builds and queries one lake with dbt on either engine."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestration.warehouse import PROJECT_DIR
from tests.spark.conftest import SPARK

TARGETS = {"duckdb": "local", "spark": "spark"}


class Engine:
    """dbt over the folder `data`, by one of the targets of profiles.yml; on Spark within the fixture `spark_tables`."""

    def __init__(self, name: str, data: Path, database: str = "kpi") -> None:
        self._target = TARGETS[name]
        self._data = data
        self._environment = {
            "KPI_LAKE": str(data / "lake"),
            "KPI_STATE": str(data / "state"),
            "KPI_WAREHOUSE": str(data / "warehouse.duckdb"),
            "KPI_PUBLISHED": str(data / "published.duckdb"),
            "KPI_THREADS": "2",
            "KPI_DATABASE": database,
        }

    def build(self, *select: str) -> None:
        """`dbt build` of a selection, else of everything. Raises AssertionError."""
        self._invoke("build", "--exclude-resource-type", "unit_test", *(("--select", *select) if select else ()))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query with macros and refs, in its own order."""
        outcome = self._invoke("show", "--inline", query, "--limit", "1000")
        return [tuple(row.values()) for row in outcome.result.results[0].agate_table.rows]

    def _invoke(self, *command: str) -> Any:
        from dbt.cli.main import dbtRunner

        with _environment(self._environment):
            outcome = dbtRunner().invoke([
                *command, "--quiet", "--target", self._target,
                "--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR),
                "--target-path", str(self._data / f"target_{self._target}"), "--log-path", str(self._data / "logs"),
            ])  # fmt: skip
            if self._target == "local":
                from dbt.adapters.duckdb.connections import DuckDBConnectionManager

                DuckDBConnectionManager.close_all_connections()
        failed = [
            f"{node.node.name}: {node.message}" for node in outcome.result or () if node.status in ("error", "fail")
        ]
        assert outcome.success, outcome.exception or "\n".join(failed)
        return outcome


def building(data: Path, settings: Mapping[str, str], *select: str) -> Iterator[str]:
    """`dbt build` on Spark in a process of its own, line by line. Raises AssertionError."""
    own = {
        "KPI_LAKE": str(data / "lake"),
        "KPI_STATE": str(data / "state"),
        "KPI_SPARK_METASTORE": "jdbc:derby:memory:metastore;create=true",
        "PYTHONUNBUFFERED": "1",
    }
    command = [
        sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "build", "--target", "spark",
        "--exclude-resource-type", "unit_test", "--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR),
        "--target-path", str(data / "target_apart"), "--log-path", str(data / "logs"),
        *(("--select", *select) if select else ()),
    ]  # fmt: skip
    said = []
    with subprocess.Popen(command, env=os.environ | SPARK | own | settings, cwd=data, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as dbt:  # fmt: skip
        assert dbt.stdout
        for line in dbt.stdout:
            said.append(line)
            yield line
    assert dbt.returncode == 0, "".join(said[-40:])


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
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
