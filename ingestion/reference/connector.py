"""Lands each reference table whole, again only when its content changed: every change stays in the lake."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.company import Company
from ingestion.connector import (
    ArchivedFile,
    Connector,
    Drift,
    Event,
    FileLanded,
    PartlyReadError,
    Quarantined,
    Request,
    Resource,
    Rows,
)
from ingestion.files.encoding import UnreadableFileError
from ingestion.files.mapping import Mapping
from ingestion.files.records import read_records
from ingestion.landing.lake import read_table
from ingestion.reference.tables import CONFIGURED, FILES, HEADERS, REQUIRED, configured_rows

_DIALECT = Mapping.model_validate({"entity": "product_cost", "columns": {}})


def connect(company: Company) -> Connector:
    """The connector of source `reference`: one resource with all reference tables."""

    def extract(request: Request) -> Iterator[Event]:
        landed = _landed(company)
        for table, rows in configured_rows(company).items():
            content = json.dumps(rows, sort_keys=True, default=str).encode()
            sha = hashlib.sha256(content).hexdigest()
            if landed.get(table) != sha and (rows or table in landed):
                yield Rows(table, pa.Table.from_pylist(rows, CONFIGURED[table]))
                # company.yml holds nothing to blank, but its words are the lake's rows already: no copy is kept.
                yield FileLanded(table, ArchivedFile("", sha, sha, len(content)), len(rows), len(rows), 0)
        unreadable = []
        for table in FILES:
            path = company.root / "reference" / f"{table}.csv"
            try:
                content = path.read_bytes() if path.exists() else b""
                if landed.get(table) != hashlib.sha256(content).hexdigest() and (content or table in landed):
                    yield from _file_events(table, path, content, request)
            except (UnreadableFileError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                unreadable.append(f"reference/{path.name}: {reason}")
                yield Quarantined(table, f"reference/{path.name}", 0, str(reason))
        if unreadable:
            raise PartlyReadError("; ".join(unreadable))

    return Connector([Resource("reference", CONFIGURED | FILES, extract)], lambda: "company.yml and reference/")


def _landed(company: Company) -> dict[str, str]:
    files = read_table(company.lake, "files", "reference", "meta_file", "_load_id, file_name, sha256")
    return {row["file_name"]: row["sha256"] for row in files.to_pylist()} if files is not None else {}


def _file_events(table: str, path: Path, content: bytes, request: Request) -> Iterator[Event]:
    name = f"reference/{path.name}"
    rows: list[dict[str, Any]] = []
    bad: list[tuple[int, str]] = []
    if content:
        records = read_records(path, _DIALECT)
        renamed = HEADERS.get(table, {})
        header = [renamed.get(h, h) for h in records.header]
        missing = [c for c in REQUIRED[table] if c not in header]
        if missing:
            raise UnreadableFileError(f"no column {', '.join(missing)}")
        yield from (Drift(table, column, "string") for column in header if column not in FILES[table].names)
        for batch in records.batches:
            bad += batch.bad
            columns = (column.to_pylist() for column in batch.cells.columns)
            for line, *cells in zip(batch.lines.to_pylist(), *columns, strict=True):
                texts = [cell.strip() if cell else cell for cell in cells]
                row, reason = _typed(table, dict(zip(header, texts, strict=True)))
                if reason:
                    bad.append((line, reason))
                else:
                    rows.append(row)
    yield from (Quarantined(table, name, line, reason) for line, reason in bad)
    yield Rows(table, pa.Table.from_pylist(rows, FILES[table]))
    kept = request.archive(path.name, content)
    yield FileLanded(table, kept, len(rows) + len(bad), len(rows), len(bad))


def _typed(table: str, cells: dict[str, str | None]) -> tuple[dict[str, Any], str | None]:
    row: dict[str, Any] = {}
    for field in FILES[table]:
        text = cells.get(field.name)
        if not text:
            if field.name in REQUIRED[table]:
                return {}, f"{field.name} is empty"
            continue
        try:
            if pa.types.is_date(field.type):
                row[field.name] = date.fromisoformat(text)
            elif pa.types.is_decimal(field.type):
                row[field.name] = pa.scalar(Decimal(text), field.type).as_py()
            else:
                row[field.name] = text
        except (ValueError, InvalidOperation, pa.ArrowException):
            kind = "a date as 2026-01-31" if pa.types.is_date(field.type) else "a number"
            return {}, f"{field.name} is not {kind}"
    return row, None
