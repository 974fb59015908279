"""Gathers the events of one extraction into the files of one load package, and proves that no row went missing."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.connector import (
    Covered,
    Cursor,
    Drift,
    Event,
    FileLanded,
    Notice,
    Quarantined,
    Report,
    Resource,
    Rows,
    SourceError,
)
from ingestion.landing.spool import Spool, plain_type

_TEXT, _COUNT, _DAY, _MOMENT = pa.string(), pa.int64(), pa.date32(), pa.timestamp("us", tz="UTC")
META = {
    "meta_load": pa.schema([
        ("resource", _TEXT), ("run_id", _TEXT), ("window_from", _DAY), ("window_to", _DAY), ("cursor_value", _TEXT),
        ("rows_in", _COUNT), ("rows_landed", _COUNT), ("rows_quarantined", _COUNT), ("started_at", _MOMENT),
        ("finished_at", _MOMENT), ("report_ids", _TEXT),
    ]),
    "meta_coverage": pa.schema([("resource", _TEXT), ("account", _TEXT), ("day", _DAY)]),
    "meta_file": pa.schema([
        ("resource", _TEXT), ("file_name", _TEXT), ("sha256", _TEXT), ("copy_sha256", _TEXT), ("archived_as", _TEXT),
        ("bytes", _COUNT), ("rows_in", _COUNT), ("rows_landed", _COUNT), ("rows_quarantined", _COUNT),
    ]),
    "meta_quarantine": pa.schema([("resource", _TEXT), ("file", _TEXT), ("line", _COUNT), ("reason", _TEXT)]),
    "meta_drift": pa.schema([
        ("resource", _TEXT), ("table_name", _TEXT), ("column_name", _TEXT), ("detected_type", _TEXT),
    ]),
}  # fmt: skip


class Package:
    """The rows and evidence of one (source, resource) extraction; rows wait in `folder`, which is its alone."""

    def __init__(self, resource: Resource, folder: Path) -> None:
        self._resource = resource
        self._spool = Spool(folder)
        self._rows: dict[str, int] = defaultdict(int)
        self._meta: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._reports: list[str] = []
        self._quarantined: set[tuple[str, int]] = set()
        self.cursor: str | None = None
        self.warnings: list[str] = []

    def add(self, event: Event) -> None:
        """Take one event. Raises SourceError where rows do not fit the declared schema."""
        name = self._resource.name
        if isinstance(event, Rows):
            self._add_rows(event)
        elif isinstance(event, Quarantined):
            # A row counts once, however many of its columns are wrong.
            if (event.file, event.line) not in self._quarantined:
                self._quarantined.add((event.file, event.line))
                row = {"resource": name, "file": event.file, "line": event.line, "reason": event.reason}
                self._meta["meta_quarantine"].append(row)
        elif isinstance(event, Covered):
            self._meta["meta_coverage"] += [{"resource": name, "account": event.account, "day": d} for d in event.days]
        elif isinstance(event, FileLanded):
            a = event.archived
            self._meta["meta_file"].append({
                "resource": name, "file_name": event.file_name, "sha256": a.sha256, "copy_sha256": a.copy_sha256,
                "archived_as": a.archived_as, "bytes": a.bytes, "rows_in": event.rows_in,
                "rows_landed": event.rows_landed, "rows_quarantined": event.rows_quarantined,
            })  # fmt: skip
        elif isinstance(event, Drift):
            row = {"table_name": event.table, "column_name": event.column, "detected_type": event.detected_type}
            if {"resource": name, **row} not in self._meta["meta_drift"]:
                self._meta["meta_drift"].append({"resource": name, **row})
                self.warnings.append(
                    f"column {event.column} ({event.detected_type}) is not in the declared {event.table}"
                )
        elif isinstance(event, Cursor):
            self.cursor = event.value
        elif isinstance(event, Report):
            self._reports.append(event.report_id)
        elif isinstance(event, Notice):
            self.warnings.append(event.message)

    def _add_rows(self, event: Rows) -> None:
        declared = self._resource.tables.get(event.table)
        data = event.data
        if declared is not None:
            for field in data.schema:
                if field.name not in declared.names:
                    self.add(Drift(event.table, field.name, str(field.type)))
                elif plain_type(field.type) != declared.field(field.name).type:
                    raise SourceError(
                        f"{event.table}.{field.name} is {field.type}, declared {declared.field(field.name).type}"
                    )
        self._spool.write(event.table, data)
        self._rows[event.table] += data.num_rows

    @property
    def rows_landed(self) -> int:
        """Data rows of all tables."""
        return sum(self._rows.values())

    @property
    def rows_quarantined(self) -> int:
        """Rows kept out."""
        return len(self._quarantined)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to say: no rows, no coverage, no file, no cursor."""
        return not (self._rows or self._meta or self._reports or self.cursor)

    def check_balance(self) -> None:
        """Raises SourceError unless, file by file, rows in = rows landed + rows quarantined, and the rows are there."""
        files = self._meta.get("meta_file", [])
        for row in files:
            if row["rows_in"] != row["rows_landed"] + row["rows_quarantined"]:
                raise SourceError(
                    f"{row['file_name']}: {row['rows_in']} rows in, but {row['rows_landed']} landed and "
                    f"{row['rows_quarantined']} quarantined; nothing of this load is kept"
                )
        claimed = sum(row["rows_landed"] for row in files)
        if files and claimed != self.rows_landed:
            raise SourceError(
                f"files say {claimed} rows landed, the load has {self.rows_landed}; nothing of it is kept"
            )

    def files(
        self, run_id: str, window: tuple[date | None, date | None], started_at: datetime, finished_at: datetime
    ) -> dict[str, list[Path]]:
        """Parquet files of every table of the package, meta tables included, by name; there until `discard`."""
        load = {
            "resource": self._resource.name, "run_id": run_id, "window_from": window[0], "window_to": window[1],
            "cursor_value": self.cursor, "rows_in": self.rows_landed + self.rows_quarantined,
            "rows_landed": self.rows_landed, "rows_quarantined": self.rows_quarantined, "started_at": started_at,
            "finished_at": finished_at, "report_ids": json.dumps(self._reports),
        }  # fmt: skip
        self._meta["meta_load"] = [load]
        for name, rows in self._meta.items():
            if rows:
                self._spool.write(name, pa.Table.from_pylist(rows, META[name]))
        return self._spool.files()

    def discard(self) -> None:
        """Remove what waits on disk."""
        self._spool.discard()
