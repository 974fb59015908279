"""Reads the lake: only rows of loads whose `_dlt_loads` row says complete exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import fsspec
import pyarrow as pa


def _glob(lake: str, pattern: str) -> tuple[Any, list[str]]:
    # Listings are not cached: what a load has just written must be seen.
    filesystem, root = fsspec.core.url_to_fs(lake, **({"use_listings_cache": False} if "://" in lake else {}))
    found = sorted(filesystem.glob(f"{root.rstrip('/')}/{pattern}"))
    if "file" in filesystem.protocol:
        return filesystem, found
    return filesystem, [f"{filesystem.protocol[0]}://{path}" for path in found]


def _connection(filesystem: Any) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    if "file" not in filesystem.protocol:
        con.register_filesystem(filesystem)
    return con


def visible_loads(lake: str, system: str, source_id: str, after: str = "") -> set[str]:
    """Ids of the complete loads of a source, of those later than load id `after`; `lake` is a path or URL."""
    filesystem, files = _glob(lake, f"{system}/{source_id}/_dlt_loads/*.jsonl")
    files = [path for path in files if path.rsplit("__", 1)[-1] > after]
    if not files:
        return set()
    with _connection(filesystem) as con:
        rows = con.execute(
            "select load_id from read_json(?, columns = {load_id: 'varchar', status: 'bigint'}) where status = 0",
            [files],
        ).fetchall()
    return {row[0] for row in rows}


def load_id_of(path: str) -> str:
    """The load a data file belongs to: `<load_id>.<file_id>.parquet`."""
    return path.rsplit("/", 1)[-1].rsplit(".", 2)[0]


def read_table(
    lake: str, system: str, source_id: str, table: str, columns: str = "*", after: str = ""
) -> pa.Table | None:
    """Visible rows with `_load_id`, oldest load first; `columns` is a SQL select list. None when there are none.

    Load ids are seconds since 1970 as text: loads up to `after` are not even opened.
    """
    loads = visible_loads(lake, system, source_id, after)
    filesystem, files = _glob(lake, f"{system}/{source_id}/{table}/*.parquet")
    files = [path for path in files if load_id_of(path) in loads]
    if not files:
        return None
    with _connection(filesystem) as con:
        return con.execute(
            f"""with visible as (
                select * exclude (filename),
                    regexp_extract(filename, '([^/]+)[.][^./]+[.]parquet$', 1) as _load_id
                from read_parquet(?, union_by_name = true, filename = true)
            ) select {columns} from visible order by _load_id""",
            [files],
        ).to_arrow_table()


def last_cursor(lake: str, system: str, source_id: str, resource: str) -> str | None:
    """The newest cursor value of a visible load of that resource, None before the first."""
    loads = read_table(lake, system, source_id, "meta_load", "_load_id, resource, cursor_value")
    if loads is None:
        return None
    values = [r["cursor_value"] for r in loads.to_pylist() if r["resource"] == resource and r["cursor_value"]]
    return str(values[-1]) if values else None


def schemas(lake: str) -> Iterator[tuple[str, str, str]]:
    """(file, column, type) of every data file in the lake, visible or not."""
    filesystem, files = _glob(lake, "*/*/*/*.parquet")
    with _connection(filesystem) as con:
        for path in files:
            for name, kind in con.execute(
                "select column_name, column_type from (describe from read_parquet(?))", [path]
            ).fetchall():
                yield path, name, kind
