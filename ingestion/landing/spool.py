"""Rows on their way into a load package: written to Parquet as they come, so memory does not grow with the load."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 100_000


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type as it is read back: repeating values may come as a dictionary."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


class Spool:
    """One or more Parquet files a table, in a folder that is emptied at both ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tables: dict[str, _Table] = {}
        self.discard()

    def write(self, name: str, data: pa.Table) -> None:
        """Add rows to a table. Raises pyarrow.ArrowInvalid where a column changes its type."""
        if name not in self._tables:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._tables[name] = _Table(self._folder / name)
        self._tables[name].write(data)

    def files(self) -> dict[str, list[Path]]:
        """Finish all files, and say which table they belong to."""
        return {name: table.close() for name, table in self._tables.items()}

    def discard(self) -> None:
        """Forget everything; a disk too full to finish a file is no trouble here."""
        for table in self._tables.values():
            with suppress(OSError):
                table.abandon()
        shutil.rmtree(self._folder, ignore_errors=True)


class _Table:
    def __init__(self, stem: Path) -> None:
        self._stem = stem
        self._files: list[Path] = []
        self._writer: pq.ParquetWriter | None = None
        self._schema: pa.Schema = None
        self._waiting: list[pa.Table] = []

    def write(self, data: pa.Table) -> None:
        schema = self._schema
        if schema is None or not set(data.column_names) <= set(schema.names):
            # A new column needs a new file; rows without it fit the file as they are.
            self.close()
            self._schema = schema = pa.unify_schemas([schema or data.schema, data.schema])
        if data.schema != schema:
            absent = [field for field in schema if field.name not in data.column_names]
            for field in absent:
                data = data.append_column(field, pa.nulls(data.num_rows, field.type))
            data = data.select(schema.names).cast(schema)
        self._waiting.append(data)
        if sum(table.num_rows for table in self._waiting) >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        if self._writer is None:
            schema = self._waiting[0].schema
            self._files.append(self._stem.with_name(f"{self._stem.name}.{len(self._files)}.parquet"))
            # Counters and moments are near their neighbours: differences are smaller and faster than a dictionary.
            deltas = [f.name for f in schema if pa.types.is_integer(f.type) or pa.types.is_timestamp(f.type)]
            # Without Arrow's own schema a dictionary is read back as the text it stands for.
            self._writer = pq.ParquetWriter(
                self._files[-1],
                schema,
                store_schema=False,
                use_dictionary=[field.name for field in schema if field.name not in deltas],
                column_encoding=dict.fromkeys(deltas, "DELTA_BINARY_PACKED"),
                # Readers skip row groups by day or number, never by text, whose bounds take long to find.
                write_statistics=[f.name for f in schema if plain_type(f.type) != pa.string()],
            )
        self._writer.write_table(pa.concat_tables(self._waiting))
        self._waiting = []

    def close(self) -> list[Path]:
        self._flush()
        self.abandon()
        return self._files

    def abandon(self) -> None:
        """Let go of the open file and of what is not written yet."""
        writer, self._writer, self._waiting = self._writer, None, []
        if writer is not None:
            writer.close()
