"""What Spark has built or published, as the DuckDB file that checks, queries and reports read.

Spark's tables are Parquet folders. Small tables are copied into the file, facts are views over their folders: they may
be larger than this machine. A lake in a bucket is copied whole, for readers of the file have no way to the bucket.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import fsspec

SCHEMAS = ("staging", "intermediate", "core", "kpi", "audit")


def write_built(tables: str, database: str, file: Path) -> None:
    """Make `file` show the tables of the last build.

    Args:
        tables: path or URL of Spark's warehouse folder (`KPI_SPARK_WAREHOUSE`).
        database: the company's database on Spark; the build is in `<database>_core` and so on.
        file: the DuckDB file, replaced at once.
    """
    _write(tables, database, file, None)


def write_published(tables: str, database: str, file: Path, publication: str) -> dict[str, int]:
    """Make `file` show one publication. Arguments as in `write_built`. Returns rows per table (`schema.table`)."""
    return _write(tables, database, file, publication)


def _write(tables: str, database: str, file: Path, publication: str | None) -> dict[str, int]:
    filesystem, root = fsspec.core.url_to_fs(tables)
    remote = "file" not in filesystem.protocol
    filesystem.invalidate_cache()
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.draft")
    draft.unlink(missing_ok=True)
    counts = {}
    with contextlib.closing(duckdb.connect(str(draft))) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        if remote:
            connection.register_filesystem(filesystem)
        for schema, table, folder in _built(filesystem, root, database):
            built = _parquet(filesystem, folder)
            files, empty = built, ""
            if publication is not None:
                if schema not in SCHEMAS[2:]:
                    continue
                store = f"{root}/{database}_published.db/{table}_*/publication={publication}"
                files = _parquet(filesystem, store)
                # A publication without rows has no file, and the build says what the columns are.
                files, empty = (files, "") if files else (built, " LIMIT 0")
            kind = "VIEW" if table.startswith("fct_") and not remote else "TABLE"
            source = f"read_parquet({files!r}, hive_partitioning = false)"
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            connection.execute(f'CREATE {kind} "{schema}"."{table}" AS SELECT * FROM {source}{empty}')
            row = connection.execute(f'SELECT count(*) FROM "{schema}"."{table}"').fetchone()
            counts[f"{schema}.{table}"] = int(row[0]) if row else 0
        if publication is not None:
            listed = _parquet(filesystem, f"{root}/{database}_published.db/publication")
            connection.execute("CREATE SCHEMA IF NOT EXISTS audit")
            connection.execute(
                f"CREATE TABLE audit.publication AS SELECT DISTINCT published_at, run_id FROM read_parquet({listed!r})"
            )
    draft.replace(file)
    return counts


def _built(filesystem: Any, root: str, database: str) -> Iterator[tuple[str, str, str]]:
    for schema in SCHEMAS:
        for folder in sorted(filesystem.glob(f"{root}/{database}_{schema}.db/*")):
            yield schema, folder.rsplit("/", 1)[-1], folder


def _parquet(filesystem: Any, folder: str) -> list[str]:
    found = sorted(filesystem.glob(f"{folder}/*.parquet"))
    return [path if "file" in filesystem.protocol else f"{filesystem.protocol[0]}://{path}" for path in found]
