"""The copy of a file that may be kept: as received where nothing is personal, else as CSV, personal columns empty."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from ingestion.connector import Archive, ArchivedFile
from ingestion.files.batch import Batch
from ingestion.files.inbox import Dropped


class KeptCopy(ExitStack):
    """Takes the batches of one file as they are read. Lines that fit no header are left out: they may hold anything."""

    def __init__(self, dropped: Dropped, header: list[str], personal: set[str], folder: Path) -> None:
        super().__init__()
        hidden = {name.casefold() for name in personal}
        self._dropped, self._header = dropped, header
        self._hidden = [position for position, name in enumerate(header) if name.casefold() in hidden]
        if self._hidden:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.enter_context(tempfile.NamedTemporaryFile(dir=folder, suffix=".csv"))
            schema = pa.schema([(name, pa.string()) for name in header])
            self._writer = pacsv.CSVWriter(self._file, schema, write_options=pacsv.WriteOptions(quoting_style="needed"))

    def add(self, batch: Batch) -> None:
        """Copy rows."""
        if self._hidden:
            table, nothing = batch.cells.rename_columns(self._header), pa.nulls(batch.cells.num_rows, pa.string())
            for position in self._hidden:
                table = table.set_column(position, self._header[position], nothing)
            self._writer.write_table(table)

    def keep(self, archive: Archive) -> ArchivedFile:
        """Archive what was copied."""
        name, content = self._dropped.name, self._dropped.path
        if self._hidden:
            self._writer.close()
            self._file.flush()
            content = Path(self._file.name)
            name = name if name.lower().endswith(".csv") else f"{name}.csv"
        return archive(name, content, original_sha256=self._dropped.sha256)
