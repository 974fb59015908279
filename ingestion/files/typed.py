"""From batches of text to typed rows: casts run vectorised in DuckDB, money never passes through a float."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.files.batch import Batch
from ingestion.files.casts import projection, reason_of, typed_columns
from ingestion.files.encoding import UnreadableFileError
from ingestion.files.entities import lake_schema
from ingestion.files.mapping import Mapping

_KNOWN_BUYERS = 1 << 17


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
    con.execute("set TimeZone = 'UTC'")
    return con


class Typing:
    """Types the batches of one file. Raises UnreadableFileError where a required header is absent."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, header: list[str], mapping: Mapping, context: Context
    ) -> None:
        self._con, self._mapping = con, mapping
        self._places = _places(header, mapping, context.mapping_name)
        self._schema = lake_schema(mapping.entity, list(mapping.attributes))
        self._values = {
            "name": context.file_name, "hash": context.file_hash, "currency": mapping.currency or context.currency
        }  # fmt: skip
        found = set(self._places)
        self._query = (
            f"select {projection(mapping, found, self._schema, mapping.timezone or context.timezone)}, _reason "
            f"from (select *, {reason_of(mapping, found)} as _reason from ({typed_columns(mapping, found)}))"
        )
        known = {name.casefold() for column in mapping.all_columns().values() for name in column.names}
        known |= {name.casefold() for name in mapping.drop}
        self.unknown = [name for name in header if name and name.casefold() not in known]
        self._pseudonym = lru_cache(_KNOWN_BUYERS)(lambda text: hmac.digest(context.key, text.encode(), "sha256").hex())

    def rows(self, batch: Batch) -> tuple[pa.Table, list[tuple[int, str]]]:
        """Rows in the lake schema, and (line, reason) of those that don't fit."""
        raw = {"row_number": batch.lines}
        for name, place in self._places.items():
            text = pc.utf8_trim_whitespace(batch.cells[place])
            raw[name] = self._pseudonyms(text) if name in self._mapping.pseudonyms else text
        self._con.register("raw", pa.table(raw))
        found = self._con.execute(self._query, self._values).to_arrow_table()
        self._con.unregister("raw")
        bad: list[tuple[int, str]] = []
        if found["_reason"].null_count < found.num_rows:
            wrong = found.filter(pc.is_valid(found["_reason"]))
            bad = list(zip(wrong["row_number"].to_pylist(), wrong["_reason"].to_pylist(), strict=True))
            found = found.filter(pc.is_null(found["_reason"]))
        return found.select(self._schema.names).cast(self._schema), bad

    def _pseudonyms(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        encoded = texts.combine_chunks().dictionary_encode()
        hidden = [self._pseudonym(text) if text else None for text in encoded.dictionary.to_pylist()]
        return pa.array(hidden, pa.string()).take(encoded.indices)


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
