"""Where rows land: the one module that knows the destination. dlt, Parquet, append-only, one pipeline per source."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

_SETTINGS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",
    "RESTORE_FROM_DESTINATION": "false",
    "LOAD__DELETE_COMPLETED_JOBS": "true",
}
_CONTRACT = {"tables": "evolve", "columns": "evolve", "data_type": "freeze"}


class Destination:
    """Lands the packages of one source. Used by one thread at a time: a dlt pipeline belongs to its thread."""

    def __init__(self, lake: str, state: Path, system: str, source_id: str) -> None:
        os.environ.update({k: v for k, v in _SETTINGS.items() if os.environ.get(k) != v})
        import dlt
        from dlt.destinations import filesystem

        self._source_id = source_id
        root = lake if "://" in lake else Path(lake).resolve().as_uri()
        self._folder = state / "dlt"
        self._pipeline: Any = dlt.pipeline(
            source_id,
            pipelines_dir=str(self._folder),
            destination=filesystem(
                bucket_url=f"{root.rstrip('/')}/{system}", layout="{table_name}/{load_id}.{file_id}.{ext}"
            ),
            dataset_name=source_id,
        )

    def finish_pending(self) -> None:
        """Complete what a crash left. Where it cannot be completed it is dropped: what no visible load holds is
        extracted again, so only a full disk is worth an error."""
        if not self._pipeline.has_pending_data:
            return
        try:
            self._pipeline.normalize()
            self._pipeline.load()
        except Exception as error:
            if disk_trouble(error):
                raise
            self._pipeline.drop_pending_packages(with_partial_loads=True)

    def load(self, files: Mapping[str, Sequence[Path]]) -> str:
        """Land Parquet files, by table, as one package and return its load id; visible only once all of it is there."""
        import dlt

        resources = [
            dlt.resource([_imported(path) for path in paths], name=name, write_disposition="append")
            for name, paths in files.items()
        ]
        data = dlt.source(lambda: resources, name=self._source_id)()
        info = self._pipeline.run(data, loader_file_format="parquet", schema_contract=_CONTRACT)
        info.raise_on_failed_jobs()
        return str(info.loads_ids[-1])

    def discard(self) -> None:
        """Forget the working folder of this source after a failed package: nothing visible rests on it."""
        shutil.rmtree(self._folder / self._source_id, ignore_errors=True)


def _imported(path: Path) -> Any:
    import dlt

    metadata = pq.read_metadata(path)
    schema = metadata.schema.to_arrow_schema().empty_table()
    return dlt.mark.with_file_import(str(path), "parquet", metadata.num_rows, schema)


def disk_trouble(error: BaseException) -> str | None:
    """One line when a full disk or a file-size limit is behind `error`, else None."""
    seen: BaseException | None = error
    while seen is not None:
        number = seen.errno if isinstance(seen, OSError) else None
        text = str(seen)
        if number == 28 or "No space left on device" in text or "[errno 28]" in text:
            return "the disk is full: free some space and run again; nothing of this load is visible"
        if number == 27 or "File too large" in text or "[errno 27]" in text:
            return "a file grew over the allowed size (disk quota or ulimit -f): raise it and run again"
        seen = seen.__cause__ or seen.__context__
    return None
