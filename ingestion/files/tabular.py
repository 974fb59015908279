"""Reads workbooks, JSON lines and Parquet into batches of text; numbers keep their digits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa

from ingestion.files.batch import Batch, Records, batch_of, names
from ingestion.files.encoding import UnreadableFileError, to_utf8

BATCH_ROWS = 50_000
_Row = tuple[int, list[str | None]]


def read_workbook(path: Path, decimal_mark: str) -> Records:
    """First sheet of an XLSX file. It is read to its end at once: a broken one shows before any row is landed."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    rows = (
        (number, [_text(cell, decimal_mark) for cell in row])
        for number, row in enumerate(book.worksheets[0].iter_rows(values_only=True), 1)
    )
    filled = ((number, row) for number, row in rows if any(row))
    header = [cell or "" for cell in next(filled, (0, []))[1]]
    if not header:
        raise UnreadableFileError("it is empty: not even a header")
    return Records(header, iter(list(_batched(header, filled))))


def _batched(header: list[str], rows: Iterable[_Row]) -> Iterator[Batch]:
    rows, width = iter(rows), len(header)
    while chunk := list(islice(rows, BATCH_ROWS)):
        fits: list[list[str | None]] = []
        lines, bad = [], []
        for number, row in chunk:
            # Workbooks leave out trailing empty cells, or keep formatted ones beyond the header.
            if any(row[width:]):
                bad.append((number, f"{len(row)} columns, the header has {width}"))
            else:
                fits.append(row[:width] + [None] * (width - len(row)))
                lines.append(number)
        batch = batch_of(header, fits, lines)
        yield Batch(batch.cells, batch.lines, bad)


def read_jsonl(path: Path, decimal_mark: str) -> Records:
    """One JSON object a line; the header is every key of the file, so it is read twice."""
    header = list(dict.fromkeys(key for _, value in _objects(path) if value for key in value))
    if not header:
        raise UnreadableFileError("it is empty: not one JSON object")
    return Records(header, _json_batches(path, header, decimal_mark))


def _json_batches(path: Path, header: list[str], decimal_mark: str) -> Iterator[Batch]:
    objects = _objects(path)
    while chunk := list(islice(objects, BATCH_ROWS)):
        rows = [(n, [_text(value.get(key), decimal_mark) for key in header]) for n, value in chunk if value is not None]
        batch = batch_of(header, [row for _, row in rows], [n for n, _ in rows])
        yield Batch(batch.cells, batch.lines, [(n, "not a JSON object") for n, value in chunk if value is None])


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            text, wrong = to_utf8(raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw, lambda: "utf-8")
            if not wrong and not text.strip():
                continue
            try:
                value = None if wrong else json.loads(text, parse_float=Decimal)
            except ValueError:
                value = None
            yield number, value if isinstance(value, dict) else None


def read_parquet(path: Path, decimal_mark: str, zone: str) -> Records:
    """A Parquet file; moments with a zone become local times of `zone`, which is what the mapping reads.

    It is read through once before: a damaged page shows before any row is landed.
    """
    with duckdb.connect() as con:
        columns = con.execute("select column_name, column_type from (describe from read_parquet(?))", [str(path)])
        types = {str(name): str(kind) for name, kind in columns.fetchall()}
        con.execute("select count(hash(columns(*))) from read_parquet(?)", [str(path)]).fetchall()
    texts = [_as_text(name, kind, decimal_mark, zone) for name, kind in types.items()]
    query = ", ".join(f"{text} as {name}" for text, name in zip(texts, names(texts), strict=True))
    return Records([name.strip() for name in types], _parquet_batches(path, query))


def _parquet_batches(path: Path, query: str) -> Iterator[Batch]:
    with duckdb.connect() as con:
        found = con.execute(
            f"select file_row_number + 1 as _line, {query} from read_parquet(?, file_row_number = true)", [str(path)]
        ).to_arrow_reader(BATCH_ROWS)
        for part in found:
            table = pa.table(part)
            yield Batch(table.drop_columns("_line"), table["_line"].combine_chunks())


def _as_text(name: str, kind: str, decimal_mark: str, zone: str) -> str:
    column = '"' + name.replace('"', '""') + '"'
    if kind == "TIMESTAMP WITH TIME ZONE":
        column = f"timezone('{zone}', {column})"
    if kind.startswith("TIMESTAMP"):
        return f"strftime({column}, '%Y-%m-%d %H:%M:%S')"
    if kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
        return f"replace({column}::varchar, '.', '{decimal_mark}')"
    return f"{column}::varchar"


def _text(value: Any, decimal_mark: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return format(value, "f").replace(".", decimal_mark)
    if isinstance(value, (dict, list, bool)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value).strip() or None
