"""Reads a dropped file into records of text, each with the line it starts at; what doesn't fit is named, not lost."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq

from ingestion.files.mapping import Mapping

ENCODINGS = ("gb18030", "shift_jis", "cp1252")
MAX_JOINED_LINES = 200
"""How many lines a quoted field may span; an unterminated quote is given up after them."""


class UnreadableFileError(Exception):
    """A file that cannot be read at all; one line, no values."""


@dataclass
class Records:
    """Header, records of text (None = empty) with their line numbers, and (line, reason) of those that don't fit."""

    header: list[str]
    rows: list[list[str | None]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)


def read_records(path: Path, content: bytes, mapping: Mapping) -> Records:
    """Read a CSV, TSV, XLSX, JSONL or Parquet file by its suffix. Raises UnreadableFileError."""
    suffix = path.suffix.lower()
    try:
        if suffix in (".csv", ".tsv", ".txt"):
            return _delimited(content, "\t" if suffix == ".tsv" else mapping.delimiter, mapping)
        if suffix == ".xlsx":
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            return _tabular(enumerate(book.worksheets[0].iter_rows(values_only=True), 1))
        if suffix == ".jsonl":
            return _jsonl(content)
        if suffix == ".parquet":
            table = pq.read_table(io.BytesIO(content))
            rows = zip(*(c.to_pylist() for c in table.columns), strict=True)
            return _tabular(enumerate([tuple(table.column_names), *rows], 0))
    except UnreadableFileError:
        raise
    except Exception as error:
        raise UnreadableFileError(f"not a readable {suffix[1:]} file ({error.__class__.__name__})") from error
    raise UnreadableFileError(f"unknown format `{suffix}`; use csv, tsv, xlsx, jsonl or parquet")


def _decode(content: bytes, encoding: str) -> list[str | None]:
    """Physical lines as text; None where the bytes of a line are not of the encoding."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if encoding == "auto":
        encoding = _detect(content)
    try:
        return [line.removesuffix("\r") for line in content.decode(encoding).split("\n")]
    except UnicodeDecodeError:
        return [_line(raw, encoding) for raw in content.split(b"\n")]


def _line(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.removesuffix(b"\r").decode(encoding)
    except UnicodeDecodeError:
        return None


def _detect(content: bytes) -> str:
    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass
    raws = [raw for raw in content.split(b"\n") if not raw.isascii()]
    wrong = sum(_line(raw, "utf-8") is None for raw in raws)
    if wrong * 2 < len(raws):
        # Mostly good UTF-8: a few damaged lines do not make it another encoding.
        return "utf-8"
    for encoding in ENCODINGS:
        try:
            content.decode(encoding)
            return encoding
        except UnicodeDecodeError:
            continue
    raise UnreadableFileError("its encoding is none of utf-8, gb18030, shift_jis, cp1252")


def _delimited(content: bytes, delimiter: str, mapping: Mapping) -> Records:
    lines = _decode(content, mapping.encoding)
    quote = mapping.quote
    records: Records | None = None
    position = 0
    while position < len(lines):
        line, start = lines[position], position
        position += 1
        if line is None:
            if records is None:
                raise UnreadableFileError("the header is not of the file's encoding")
            records.bad.append((start + 1, "bytes are not of the file's encoding"))
            continue
        if not line.strip():
            continue
        width = len(records.header) if records else None
        cells, last, reason = _record(lines, start, delimiter, quote, width)
        if records is None:
            if cells is None:
                raise UnreadableFileError("the header cannot be read")
            records = Records([c.strip() for c in cells])
            position = last + 1
        elif cells is None:
            records.bad.append((start + 1, reason))
        else:
            records.rows.append([c.strip() or None for c in cells])
            records.lines.append(start + 1)
            position = last + 1
    if records is None:
        raise UnreadableFileError("it is empty: not even a header")
    return records


def _record(
    lines: list[str | None], start: int, delimiter: str, quote: str, width: int | None
) -> tuple[list[str] | None, int, str]:
    """Cells of the record at `start`, its last line, and why there are none.

    A quoted field may span lines, but only if the joined record fits the header; else the first line alone is at
    fault, and the reader goes on with the next: an unterminated quote must not swallow the good rows behind it.
    """
    text, last = lines[start] or "", start
    if quote not in text:
        cells = text.split(delimiter)
        if width is None or len(cells) == width:
            return cells, last, ""
        return None, last, f"{len(cells)} columns, the header has {width}"
    while text.count(quote) % 2 and last + 1 < len(lines) and last - start < MAX_JOINED_LINES:
        last += 1
        text += "\n" + (lines[last] or "")
    if text.count(quote) % 2:
        return None, start, "unterminated quote"
    try:
        parsed = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, strict=True))
    except (csv.Error, StopIteration):
        return None, start, "misplaced quote"
    if width is not None and len(parsed) != width:
        reason = "unterminated quote" if last > start else f"{len(parsed)} columns, the header has {width}"
        return None, start, reason
    return parsed, last, ""


def _tabular(rows: Iterable[tuple[int, tuple[Any, ...]]]) -> Records:
    records: Records | None = None
    for number, row in rows:
        if all(cell is None or cell == "" for cell in row):
            continue
        if records is None:
            records = Records([str(cell or "").strip() for cell in row])
            continue
        # Workbooks leave out trailing empty cells, or keep formatted ones beyond the header.
        width = len(records.header)
        cells = [_text(cell) for cell in row] + [None] * (width - len(row))
        if any(cells[width:]):
            records.bad.append((number, f"{len(cells)} columns, the header has {width}"))
            continue
        records.rows.append(cells[:width])
        records.lines.append(number)
    if records is None:
        raise UnreadableFileError("it is empty: not even a header")
    return records


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        value = Decimal(repr(value))
    return (format(value, "f") if isinstance(value, Decimal) else str(value)).strip() or None


def _jsonl(content: bytes) -> Records:
    parsed: list[tuple[int, dict[str, Any]]] = []
    bad: list[tuple[int, str]] = []
    for number, line in enumerate(_decode(content, "utf-8"), 1):
        if line is not None and not line.strip():
            continue
        try:
            value = json.loads(line or "", parse_float=Decimal)
        except ValueError:
            value = None
        if isinstance(value, dict):
            parsed.append((number, value))
        else:
            bad.append((number, "not a JSON object"))
    header = list(dict.fromkeys(key for _, row in parsed for key in row))
    records = Records(header, bad=bad)
    for number, row in parsed:
        records.rows.append([_text(row.get(key)) for key in header])
        records.lines.append(number)
    return records
