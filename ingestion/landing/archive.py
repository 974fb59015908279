"""The archive: reports and files as received, named by their content, so that keeping one twice changes nothing."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

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
        source = content.open("rb") if isinstance(content, Path) else io.BytesIO(content)
        with source, self.stream(name, original_sha256) as copy:
            while chunk := source.read(_CHUNK_BYTES):
                copy.write(chunk)
            return copy.kept()

    @contextmanager
    def stream(self, name: str, original_sha256: str | None) -> Iterator[_Stream]:
        """A copy that is written piece by piece; left without `kept` it is gone."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            try:
                yield _Stream(file, self._root, self._folder, name, original_sha256)
            finally:
                Path(file.name).unlink(missing_ok=True)


class _Stream:
    closed = False

    def __init__(self, file: IO[bytes], root: Path, folder: Path, name: str, original_sha256: str | None) -> None:
        self._file, self._root, self._folder = file, root, folder
        self._name, self._original_sha256 = re.sub(r"[^\w.\-]", "_", Path(name).name), original_sha256
        self._digest, self._size = hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self._size += len(data)
        return self._file.write(data)

    def kept(self) -> ArchivedFile:
        self._file.flush()
        os.fsync(self._file.fileno())
        copy = self._digest.hexdigest()
        sha = self._original_sha256 or copy
        target = self._folder / sha[:2] / f"{sha}_{self._name}"
        target.parent.mkdir(exist_ok=True)
        Path(self._file.name).replace(target)
        return ArchivedFile(target.relative_to(self._root).as_posix(), sha, copy, self._size)
