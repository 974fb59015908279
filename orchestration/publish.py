"""Publication: the accepted rows of the warehouse become the file that people query.

The last published file is copied, the copy is brought up to the warehouse partition by partition, synced to disk and
renamed over the old one. A reader keeps the file it opened; a crash at any point leaves the old file or the new one.

What is held: facts of the core schema (`fct_*` with a `store_id`). A held store keeps the rows of its last publication,
or has none. KPI tables were already built from accepted rows, and audit tables tell the truth about every store, so
both are mirrored whole. A store that left `company.yml`, and a table that left the project, leave the file too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from ingestion.company import Company

SCHEMAS = ("core", "kpi", "audit")
PARTITIONS = (("store_id", "date"), ("grain", "period_start"), ("store_id",))
PUBLICATION = "audit.publication"


class PublishError(Exception):
    """Publication failed; the last published file is untouched."""


@dataclass(frozen=True)
class Published:
    """One publication: when (UTC) and rows per table (`schema.table`)."""

    at: datetime
    tables: dict[str, int]


@dataclass(frozen=True)
class _Table:
    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.columns]

    @property
    def keys(self) -> tuple[str, ...]:
        return next((keys for keys in PARTITIONS if set(keys) <= set(self.names)), ())

    @property
    def holds(self) -> bool:
        return self.schema == "core" and self.name.startswith("fct_") and "store_id" in self.names

    def within(self, database: str) -> str:
        return f"{database}.{_quoted(self.schema)}.{_quoted(self.name)}"


def publish(company: Company, held: set[str], run_id: str) -> Published:
    """Publish the warehouse of a company without the new rows of its held stores.

    Args:
        company: whose `data/warehouse.duckdb` becomes `data/published/company.duckdb`.
        held: store ids whose last published facts stay.
        run_id: the run that publishes, kept in `audit.publication`.

    Raises:
        PublishError: nothing was published, for example because the disk is full.
    """
    if company.engine == "spark":
        from orchestration import spark_publish

        return spark_publish.publish(company, held, run_id)
    data = company.root / "data"
    return publish_file(data / "warehouse.duckdb", data / "published" / "company.duckdb", held, run_id)


def publish_file(warehouse: Path, published: Path, held: set[str], run_id: str) -> Published:
    """Bring one published file up to one warehouse. Arguments and errors as in `publish`."""
    if not warehouse.exists():
        raise PublishError(f"nothing to publish: {warehouse} does not exist; run `kpi run` first")
    draft = published.with_name(f".{published.name}.draft")
    try:
        published.parent.mkdir(parents=True, exist_ok=True)
        _clear(draft)
        if published.exists():
            shutil.copyfile(published, draft)
        at = datetime.now(UTC)
        tables = _bring_up(warehouse, published, draft, held, run_id, at)
        _sync_to_disk(draft)
        draft.replace(published)
        _sync_to_disk(published.parent)
    except (OSError, duckdb.Error) as error:
        with contextlib.suppress(OSError):
            _clear(draft)
        reason = " ".join(str(error).split())
        raise PublishError(
            f"{published}: not published, the last published file stays: {reason}. "
            "Look at the free disk space and the rights of that folder, then run again"
        ) from error
    return Published(at, tables)


def _bring_up(
    warehouse: Path, published: Path, draft: Path, held: set[str], run_id: str, at: datetime
) -> dict[str, int]:
    with contextlib.closing(duckdb.connect(":memory:")) as connection:
        connection.execute(f"SET temp_directory = {_text(str(draft) + '.spill')}")
        connection.execute("SET TimeZone = 'UTC'")
        # Views of the warehouse name their catalogs, so they are attached under the names that dbt gave them.
        connection.execute(f"ATTACH {_text(str(warehouse))} AS warehouse (READ_ONLY)")
        if published.exists():
            connection.execute(f"ATTACH {_text(str(published))} AS published (READ_ONLY)")
        connection.execute(f"ATTACH {_text(str(draft))} AS draft")
        connection.execute("BEGIN")
        wanted = {table.label: table for table in _tables(connection, "warehouse")}
        present = {table.label: table for table in _tables(connection, "draft")}
        for schema in SCHEMAS:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS draft.{schema}")
        for label in present.keys() - wanted.keys() - {PUBLICATION}:
            connection.execute(f"DROP TABLE {present[label].within('draft')}")
        for label, table in wanted.items():
            _bring_up_table(connection, table, present.get(label), sorted(held))
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS draft.{PUBLICATION} (published_at TIMESTAMP WITH TIME ZONE, run_id VARCHAR)"
        )
        connection.execute(f"INSERT INTO draft.{PUBLICATION} VALUES (?, ?)", [at, run_id])
        connection.execute("COMMIT")
        rows = {label: _count(connection, table.within("draft")) for label, table in sorted(wanted.items())}
        connection.execute("CHECKPOINT draft")
        connection.execute("DETACH draft")
    return rows


def _bring_up_table(
    connection: duckdb.DuckDBPyConnection, table: _Table, present: _Table | None, held: Sequence[str]
) -> None:
    kept = list(held) if table.holds else []
    if present is None or present.columns != table.columns:
        _rebuild(connection, table, present, kept)
    elif table.keys:
        _replace_partitions(connection, table, kept)
    elif _fingerprints_differ(connection, table):
        connection.execute(f"DELETE FROM {table.within('draft')}")
        connection.execute(f"INSERT INTO {table.within('draft')} SELECT * FROM {table.within('warehouse')}")


def _rebuild(connection: duckdb.DuckDBPyConnection, table: _Table, present: _Table | None, kept: Sequence[str]) -> None:
    """Write a new or changed table whole: accepted rows as they are now, held rows cast to the new columns by name."""
    fresh = _Table(table.schema, f"{table.name}__new", table.columns).within("draft")
    accepted = _where([f"store_id IS DISTINCT FROM {_text(store)}" for store in kept])
    connection.execute(f"CREATE TABLE {fresh} AS SELECT * FROM {table.within('warehouse')} {accepted}")
    if present is not None:
        if kept and "store_id" in present.names:
            casts = ", ".join(
                f"CAST({_quoted(name)} AS {type_}) AS {_quoted(name)}"
                for name, type_ in table.columns
                if name in present.names
            )
            connection.execute(
                f"INSERT INTO {fresh} BY NAME SELECT {casts} FROM {present.within('draft')} "
                f"WHERE store_id IN ({', '.join(map(_text, kept))})"
            )
        connection.execute(f"DROP TABLE {present.within('draft')}")
    connection.execute(f"ALTER TABLE {fresh} RENAME TO {_quoted(table.name)}")


def _replace_partitions(connection: duckdb.DuckDBPyConnection, table: _Table, kept: Sequence[str]) -> None:
    """Delete and insert only the partitions whose rows differ; a partition gone from the warehouse goes."""
    keys = ", ".join(map(_quoted, table.keys))
    accepted = _where([f"store_id IS DISTINCT FROM {_text(store)}" for store in kept])
    same = " AND ".join(f"l.{_quoted(key)} IS NOT DISTINCT FROM r.{_quoted(key)}" for key in table.keys)
    sums = f"count(*) AS row_count, sum({_row_hash(table)}) AS row_sum"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE differing AS
        WITH l AS (SELECT {keys}, {sums} FROM {table.within("warehouse")} {accepted} GROUP BY ALL),
             r AS (SELECT {keys}, {sums} FROM {table.within("draft")} {accepted} GROUP BY ALL)
        SELECT {", ".join(f"coalesce(l.{_quoted(key)}, r.{_quoted(key)}) AS {_quoted(key)}" for key in table.keys)}
        FROM l FULL JOIN r ON {same}
        WHERE l.row_count IS DISTINCT FROM r.row_count OR l.row_sum IS DISTINCT FROM r.row_sum
        """
    )
    if _count(connection, "differing") == 0:
        return
    joined = " AND ".join(f"t.{_quoted(key)} IS NOT DISTINCT FROM d.{_quoted(key)}" for key in table.keys)
    connection.execute(f"DELETE FROM {table.within('draft')} AS t USING differing AS d WHERE {joined}")
    connection.execute(
        f"INSERT INTO {table.within('draft')} SELECT t.* FROM {table.within('warehouse')} AS t "
        f"SEMI JOIN differing AS d ON {joined}"
    )


def _fingerprints_differ(connection: duckdb.DuckDBPyConnection, table: _Table) -> bool:
    left, right = (
        connection.execute(f"SELECT count(*), sum({_row_hash(table)}) FROM {table.within(side)}").fetchone()
        for side in ("warehouse", "draft")
    )
    return left != right


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> Iterator[_Table]:
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, name, column, type_ in connection.execute(
        """
        SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()
        WHERE database_name = ? AND schema_name IN ? AND NOT internal
          AND NOT contains(table_name, '__dbt_') AND table_name <> 'publication'
        ORDER BY schema_name, table_name, column_index
        """,
        [database, list(SCHEMAS)],
    ).fetchall():
        found.setdefault((schema, name), []).append((column, type_))
    for (schema, name), columns in found.items():
        yield _Table(schema, name, tuple(columns))


def table_fingerprints(published: Path) -> Mapping[str, tuple[int, str]]:
    """Row count and order-free content hash of each published table, by DuckDB's own row hash."""
    with contextlib.closing(duckdb.connect(str(published), read_only=True)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        row = connection.execute("SELECT current_database()").fetchone()
        database = str(row[0]) if row else published.stem
        prints: dict[str, tuple[int, str]] = {}
        for table in _tables(connection, database):
            counted = connection.execute(
                f"SELECT count(*), coalesce(sum({_row_hash(table)}), 0) FROM {table.within(_quoted(database))}"
            ).fetchone()
            if counted:
                prints[table.label] = (int(counted[0]), f"{int(counted[1]):x}")
    return prints


def _row_hash(table: _Table) -> str:
    # A sum, because the exclusive or of two equal rows is nothing.
    return f"hash({', '.join(map(_quoted, table.names))})::HUGEINT"


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(row[0]) if row else 0


def _clear(draft: Path) -> None:
    """Remove what an earlier publication left behind when it was killed."""
    for leftover in (draft, Path(f"{draft}.wal")):
        leftover.unlink(missing_ok=True)
    shutil.rmtree(f"{draft}.spill", ignore_errors=True)


def _sync_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
