"""Writes tiny lakes in the layout that landing writes, and builds the dbt project over them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"


class Lake:
    """A company folder's `data`, with rows put straight into the lake."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.warehouse = root / "warehouse.duckdb"
        self._loads = 0

    def land(
        self,
        system: str,
        source_id: str,
        tables: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        complete: bool = True,
        load_id: str | None = None,
    ) -> str:
        """One load package: rows of several tables. An incomplete one has no `_dlt_loads` row. Returns the load id."""
        self._loads += 1
        load_id = load_id or f"1795000000.{self._loads:06d}"
        for table, rows in tables.items():
            self._write(system, source_id, table, load_id, rows)
        if complete:
            folder = self.root / "lake" / system / source_id / "_dlt_loads"
            folder.mkdir(parents=True, exist_ok=True)
            row = {
                "load_id": load_id, "schema_name": source_id, "status": 0,
                "inserted_at": datetime(2026, 3, 1, tzinfo=UTC).isoformat(),
            }  # fmt: skip
            (folder / f"{source_id}__{load_id}.jsonl").write_text(json.dumps(row) + "\n")
        return load_id

    def _write(self, system: str, source_id: str, table: str, load_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
        types = _declared(system, table)
        folder = self.root / "lake" / system / source_id / table
        folder.mkdir(parents=True, exist_ok=True)
        columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"CREATE TABLE landed ({columns})")
            for row in rows:
                names = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join("?" for _ in row)
                connection.execute(f"INSERT INTO landed ({names}) VALUES ({marks})", list(row.values()))
            connection.execute(f"COPY landed TO '{folder / f'{load_id}.part.parquet'}' (FORMAT parquet)")

    def company(
        self, stores: Sequence[Mapping[str, Any]], sources: Sequence[Mapping[str, Any]], reporting: str = "USD"
    ) -> None:
        """Land the company folder's own tables."""
        settings = [{"key": "reporting_currency", "value": reporting}]
        self.land(
            "files", "reference",
            {"company_store": stores, "company_source": sources, "company_setting": settings},
        )  # fmt: skip

    def build(self, *select: str, as_of: str = "2026-03-01", full_refresh: bool = False) -> None:
        """Run `dbt build` in this process over staging, intermediate, core and audit. Raises AssertionError."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        run = self.root / "state" / "run"
        run.mkdir(parents=True, exist_ok=True)
        context = {"run_id": "test", "started_at": f"{as_of}T12:00:00+00:00", "as_of": as_of, "full_refresh": False}
        (run / "context.jsonl").write_text(json.dumps(context) + "\n")
        os.environ.update(
            KPI_LAKE=str(self.root / "lake"), KPI_STATE=str(self.root / "state"),
            KPI_WAREHOUSE=str(self.warehouse), KPI_PUBLISHED=str(self.root / "published.duckdb"),
        )  # fmt: skip
        outcome = dbtRunner().invoke([
            "build", "--quiet", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
            "--target-path", str(self.warehouse.parent / "target"), "--log-path", str(self.root / "logs"),
            "--select", *(select or ("path:models", "path:seeds")),
            *(() if select else ("--exclude", "path:models/marts/kpi", "path:models/marts/built")),
            "--exclude-resource-type", "unit_test",
            *(("--full-refresh",) if full_refresh else ()),
        ])  # fmt: skip
        # dbt keeps its connection open, and DuckDB then refuses a read-only one in this process.
        DuckDBConnectionManager.close_all_connections()
        failed = [f"{r.node.name}: {r.message}" for r in outcome.result or () if r.status in ("error", "fail")]
        assert outcome.success, outcome.exception or "\n".join(failed)

    def show(self, query: str) -> list[Any]:
        """First column of a query written in dbt's own terms (macros, refs), as the project would read it."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        outcome = dbtRunner().invoke([
            "show", "--quiet", "--inline", query, "--limit", "100", "--project-dir", str(PROJECT),
            "--profiles-dir", str(PROJECT), "--target-path", str(self.warehouse.parent / "target"),
            "--log-path", str(self.root / "logs"),
        ])  # fmt: skip
        DuckDBConnectionManager.close_all_connections()
        assert outcome.success, outcome.exception
        return list(outcome.result.results[0].agate_table.columns[0].values())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the built warehouse."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(query).fetchall()


def _declared(system: str, table: str) -> dict[str, str]:
    name = "landing" if table.startswith("meta_") else system
    declared = yaml.safe_load((PROJECT / "models" / "sources" / f"{name}.yml").read_text(encoding="utf-8"))
    for source_table in declared["sources"][0]["tables"]:
        if source_table["name"] == table:
            return {column["name"]: column["data_type"] for column in source_table["columns"]}
    raise KeyError(f"{name}.{table} is not declared in the dbt sources")
