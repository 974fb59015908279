"""From batches of text to typed rows: casts run in DuckDB, vectorised, money never passes through a float."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.files.batch import Batch
from ingestion.files.casts import KIND_NAMES, cast, row_kind
from ingestion.files.encoding import UnreadableFileError
from ingestion.files.entities import lake_schema
from ingestion.files.mapping import Column, Mapping

_KNOWN_BUYERS = 1 << 18


@dataclass(frozen=True)
class Context:
    """What a file does not say itself: its mapping, name and hash, the store's zone and currency, the pseudonym key."""

    mapping_name: str
    file_name: str
    file_hash: str
    timezone: str
    currency: str | None
    key: bytes


def workbench() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory for `Typing`; one serves all files of a run: opening it costs more than a small file."""
    con = duckdb.connect()
    # One thread: reading, typing and writing run side by side already.
    con.execute("set TimeZone = 'UTC'; set threads = 1")
    return con


class Typing:
    """Types the batches of one file. Raises UnreadableFileError where a required header is absent."""

    def __init__(self, con: duckdb.DuckDBPyConnection, header: list[str], mapping: Mapping, context: Context) -> None:
        self._con, self._mapping, self._context = con, mapping, context
        self._places = _places(header, mapping, context.mapping_name)
        self._schema = lake_schema(mapping.entity, list(mapping.attributes))
        self._constants = mapping.constants | {"file_name": context.file_name, "file_hash": context.file_hash}
        known = {name.casefold() for column in mapping.all_columns().values() for name in column.names}
        known |= {name.casefold() for name in mapping.drop}
        self.unknown = [name for name in header if name and name.casefold() not in known]
        self._known: dict[str | None, str] = {}

    def rows(self, batch: Batch) -> tuple[pa.Table, list[tuple[int, str]]]:
        """Rows in the lake schema (some text as a dictionary), and (line, reason) of those that don't fit."""
        size = batch.cells.num_rows
        data = {
            "row_number": batch.lines,
            "replaces_day": pa.repeat(pa.scalar(self._mapping.on_overlap == "replace_day"), size),
        }
        reasons: dict[int, str] = {}
        for name, place in self._places.items():
            data |= self._field(name, batch.cells[place].combine_chunks(), reasons)
        if self._context.currency:
            data["currency"] = (
                pc.fill_null(data["currency"], self._context.currency)
                if "currency" in data
                else _constant(self._context.currency, pa.string(), size)
            )
        if "row_kind" in self._schema.names:
            data["row_kind"] = self._row_kinds(data)
        for field in self._schema:
            if field.name not in data:
                data[field.name] = _constant(self._constants.get(field.name), field.type, size)
        rows = pa.table({name: data[name] for name in self._schema.names})
        # Slices share the columns' memory; a filter would copy all of them for one bad row.
        edges = [-1, *sorted(reasons), size]
        good = [rows.slice(bad + 1, until - bad - 1) for bad, until in pairwise(edges) if until - bad > 1]
        bad = [(batch.lines[position].as_py(), reason) for position, reason in sorted(reasons.items())]
        return pa.concat_tables(good) if good else rows.slice(0, 0), bad

    def _field(self, name: str, texts: pa.StringArray, reasons: dict[int, str]) -> dict[str, pa.Array]:
        """The lake columns that a field of the mapping feeds; rows that do not fit it go to `reasons`."""
        column = self._mapping.columns.get(name)
        kind = self._schema.field(name).type if column else pa.string()
        if name in self._mapping.pseudonyms:
            return {name: self._pseudonyms(texts)}
        if column and kind in KIND_NAMES:
            return self._cast(name, column, texts, reasons)
        texts = _stripped(texts)
        if column and column.required and texts.null_count:
            _blame(pc.is_null(texts), f"{column.names[0]} is empty", reasons)
        return {name: texts}

    def _cast(self, name: str, column: Column, texts: pa.StringArray, reasons: dict[int, str]) -> dict[str, pa.Array]:
        """Each distinct text is cast once: dates, prices and quantities repeat."""
        kind = self._schema.field(name).type
        encoded = texts.dictionary_encode()
        distinct = _stripped(encoded.dictionary)
        query = cast(kind, column.format, self._mapping.decimal_mark, self._context.timezone)
        self._con.register("distinct_texts", pa.table({"text": distinct}))
        found = self._con.execute(query).to_arrow_table()
        self._con.unregister("distinct_texts")
        if not _flat(found["text"]).equals(distinct):
            raise AssertionError("DuckDB changed the order of rows")
        empty, null = pc.is_null(distinct), pc.is_null(_flat(found["value"]))
        if pc.sum(null).as_py() != pc.sum(empty).as_py():
            unfit = pc.and_not(null, empty).take(encoded.indices)
            _blame(pc.fill_null(unfit, False), f"{column.names[0]} is not {KIND_NAMES[kind]}", reasons)
        if column.required and (encoded.indices.null_count or distinct.null_count):
            _blame(pc.fill_null(empty.take(encoded.indices), True), f"{column.names[0]} is empty", reasons)
        values = {name: found["value"]}
        if "day" in found.column_names and "business_date" not in self._places:
            values["business_date"] = found["day"]
        return {
            field: _flat(value).cast(self._schema.field(field).type).take(encoded.indices)
            for field, value in values.items()
        }

    def _row_kinds(self, data: dict[str, pa.Array]) -> pa.Array:
        rules = self._mapping.row_kinds
        tested = {name for rule in rules for name in rule.when} & set(data)
        if not tested:
            return _constant("sale", pa.string(), len(data["row_number"]))
        self._con.register("typed_rows", pa.table({name: data[name] for name in tested}))
        found = self._con.execute(f"select {row_kind(rules, tested)} as row_kind from typed_rows").to_arrow_table()
        self._con.unregister("typed_rows")
        return _flat(found["row_kind"])

    def _pseudonyms(self, texts: pa.StringArray) -> pa.DictionaryArray:
        encoded = texts.dictionary_encode()
        if len(self._known) > _KNOWN_BUYERS:
            self._known.clear()
        known, hide = self._known, self._pseudonym
        hidden = [known.get(text) or hide(text) for text in _stripped(encoded.dictionary).to_pylist()]
        if None in hidden:
            return pa.array(hidden, pa.string()).take(encoded.indices).dictionary_encode()
        return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(hidden, pa.string()))

    def _pseudonym(self, text: str | None) -> str | None:
        if text is None:
            return None
        return self._known.setdefault(text, hmac.digest(self._context.key, text.encode(), "sha256").hex())


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _stripped(texts: pa.StringArray) -> pa.StringArray:
    """Without white space around; nothing left is null."""
    stripped = pc.utf8_trim_whitespace(texts)
    if len(stripped) and pc.min(pc.binary_length(stripped)).as_py() == 0:
        return pc.if_else(pc.equal(stripped, ""), None, stripped)
    return stripped


def _blame(rows: pa.BooleanArray, reason: str, reasons: dict[int, str]) -> None:
    """A row has one reason: the first that is found."""
    for position in np.flatnonzero(rows.to_numpy(zero_copy_only=False)).tolist():
        reasons.setdefault(position, reason)


def _constant(value: str | None, kind: pa.DataType, rows: int) -> pa.Array:
    if value is None:
        return pa.nulls(rows, kind)
    if kind == pa.string():
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([value]))
    return pa.repeat(pa.scalar(value).cast(kind), rows)


def _places(header: list[str], mapping: Mapping, mapping_name: str) -> dict[str, str]:
    """Field of the mapping → column of a batch; the first of equal headers, the first alias that is there."""
    folded = {name.casefold(): f"c{position}" for position, name in reversed(list(enumerate(header)))}
    places: dict[str, str] = {}
    for field, column in mapping.all_columns().items():
        found = [folded[name.casefold()] for name in column.names if name.casefold() in folded]
        if found:
            places[field] = found[0]
        elif column.required:
            names = " or ".join(column.names)
            raise UnreadableFileError(f"no column {names}, which mapping `{mapping_name}` requires")
    return places
