"""Runs queries written in dbt's own terms on either engine, over one tiny lake."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestration.warehouse import PROJECT_DIR

TARGETS = {"duckdb": "local", "spark": "spark"}


class Engine:
    """dbt over the folder `data`, by one of the targets of profiles.yml."""

    def __init__(self, name: str, data: Path) -> None:
        self._target = TARGETS[name]
        self._data = data
        self._environment = {
            "KPI_LAKE": str(data / "lake"),
            "KPI_STATE": str(data / "state"),
            "KPI_WAREHOUSE": str(data / "warehouse.duckdb"),
            "KPI_PUBLISHED": str(data / "published.duckdb"),
            "KPI_THREADS": "2",
            "KPI_SPARK_MASTER": "local[2]",
            "KPI_SPARK_PARTITIONS": "2",
            "KPI_SPARK_WAREHOUSE": str(data / "spark"),
            "SPARK_LOCAL_IP": "127.0.0.1",
        }

    def build(self, *select: str) -> None:
        """`dbt build` of a selection. Raises AssertionError."""
        self._invoke("build", "--select", *select)

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
        assert outcome.success, outcome.exception or outcome.result
        return outcome


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
