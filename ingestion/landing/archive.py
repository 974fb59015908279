"""The archive: reports and files as received, named by their content, so that keeping one twice changes nothing."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from ingestion.connector import ArchivedFile


class FolderArchive:
    """Keeps copies under `<archive>/<system>/<source_id>/`."""

    def __init__(self, root: Path, system: str, source_id: str) -> None:
        self._root = root
        self._folder = root / system / source_id

    def __call__(self, name: str, content: bytes | Path, *, original_sha256: str | None = None) -> ArchivedFile:
        """Write `content` durably; `original_sha256` is the hash of what was received, where the caller blanked it."""
        data = content.read_bytes() if isinstance(content, Path) else content
        copy = hashlib.sha256(data).hexdigest()
        sha = original_sha256 or copy
        safe = re.sub(r"[^\w.\-]", "_", Path(name).name)
        target = self._folder / sha[:2] / f"{sha}_{safe}"
        if not target.exists() or target.stat().st_size != len(data):
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=target.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        return ArchivedFile(target.relative_to(self._root).as_posix(), sha, copy, len(data))
