"""Compares what two engines have built, as DuckDB files: decimals to the last digit, doubles to 1e-9 of their size."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb

SCHEMAS = ("core", "kpi", "audit")
RELATIVE = 1e-9
_WHOLE = re.compile(r"(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL\(\d+,0\)")
_PRECISION = re.compile(r"DECIMAL\(\d+,")


def differences(ours: Path, theirs: Path, left_out: Collection[str] = ()) -> dict[str, str]:
    """Tables of core, kpi and audit that differ, each with what differs first; `left_out` are names of columns."""
    with contextlib.closing(duckdb.connect()) as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"attach '{ours}' as ours (read_only)")
        db.execute(f"attach '{theirs}' as theirs (read_only)")
        left, right = (_columns(db, side, left_out) for side in ("ours", "theirs"))
        found = dict.fromkeys(left.keys() ^ right.keys(), "only one engine has it")
        for name in sorted(left.keys() & right.keys()):
            if left[name] != right[name]:
                found[name] = f"columns {sorted(left[name].items() ^ right[name].items())}"
                continue
            rows = [_rows(db, f"{side}.{name}", left[name]) for side in ("ours", "theirs")]
            if problem := _first_difference(*rows):
                found[name] = problem
    return found


def _columns(db: duckdb.DuckDBPyConnection, side: str, left_out: Collection[str]) -> dict[str, dict[str, str]]:
    """Names and types of columns by table; what engines count in is one type, as is a decimal of whatever width."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in db.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns()"
        " where database_name = ? and schema_name in ? order by all",
        [side, list(SCHEMAS)],
    ).fetchall():
        kind = "whole number" if _WHOLE.fullmatch(kind) else _PRECISION.sub("DECIMAL(*,", kind)
        if column not in left_out:
            found.setdefault(table, {})[f'"{column}"'] = kind
    return found


def _rows(db: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str]) -> list[tuple[Any, ...]]:
    order = sorted(columns, key=lambda name: columns[name] == "DOUBLE")
    return db.execute(f"select {', '.join(columns)} from {table} order by {', '.join(order)}").fetchall()


def _first_difference(ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]) -> str | None:
    for left, right in zip(ours, theirs, strict=False):
        if not all(map(_same, left, right)):
            return f"{left} against {right}"
    return f"{len(ours)} rows against {len(theirs)}" if len(ours) != len(theirs) else None


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=RELATIVE)
    return bool(left == right)
