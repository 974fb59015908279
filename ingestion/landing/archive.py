"""The archive: reports and files as received, named by their content, so that keeping one twice changes nothing."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
from pathlib import Path

from ingestion.connector import ArchivedFile

_CHUNK_BYTES = 1 << 20


class FolderArchive:
    """Keeps copies under `<archive>/<system>/<source_id>/`."""

    def __init__(self, root: Path, system: str, source_id: str) -> None:
        self._root = root
        self._folder = root / system / source_id

    def __call__(self, name: str, content: bytes | Path, *, original_sha256: str | None = None) -> ArchivedFile:
        """Write `content` durably, in one pass however large the file; `original_sha256` is the hash of what was
        received, where the caller blanked it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        source = content.open("rb") if isinstance(content, Path) else io.BytesIO(content)
        handle, temporary = tempfile.mkstemp(dir=self._folder)
        try:
            with source, os.fdopen(handle, "wb") as copy:
                while chunk := source.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    size += copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
            sha = original_sha256 or digest.hexdigest()
            safe = re.sub(r"[^\w.\-]", "_", Path(name).name)
            target = self._folder / sha[:2] / f"{sha}_{safe}"
            target.parent.mkdir(exist_ok=True)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return ArchivedFile(target.relative_to(self._root).as_posix(), sha, digest.hexdigest(), size)
