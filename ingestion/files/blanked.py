"""The copy of a file that may be kept: as received where nothing is personal, else as CSV, personal columns empty."""

from __future__ import annotations

from contextlib import ExitStack

import pyarrow as pa
import pyarrow.csv as pacsv

from ingestion.connector import Archive, ArchivedFile
from ingestion.files.batch import Batch
from ingestion.files.inbox import Dropped


class KeptCopy(ExitStack):
    """Takes the batches of one file as they are read. Lines that fit no header are left out: they may hold anything."""

    def __init__(self, archive: Archive, dropped: Dropped, header: list[str], personal: set[str]) -> None:
        super().__init__()
        hidden = {name.casefold() for name in personal}
        self._archive, self._dropped, self._header = archive, dropped, header
        self._hidden = [position for position, name in enumerate(header) if name.casefold() in hidden]
        if self._hidden:
            name = dropped.name if dropped.name.lower().endswith(".csv") else f"{dropped.name}.csv"
            self._stream = self.enter_context(archive.stream(name, dropped.sha256))
            schema = pa.schema([(column, pa.string()) for column in header])
            options = pacsv.WriteOptions(quoting_style="needed", batch_size=16_384)
            self._writer = pacsv.CSVWriter(self._stream, schema, write_options=options)

    def add(self, batch: Batch) -> None:
        """Copy rows."""
        if self._hidden:
            table, nothing = batch.cells.rename_columns(self._header), pa.nulls(batch.cells.num_rows, pa.string())
            for position in self._hidden:
                table = table.set_column(position, self._header[position], nothing)
            self._writer.write_table(table)

    def keep(self) -> ArchivedFile:
        """Archive what was copied."""
        if not self._hidden:
            return self._archive(self._dropped.name, self._dropped.path, original_sha256=self._dropped.sha256)
        self._writer.close()
        return self._stream.kept()
