"""The files of an inbox: which of them are new, and whether they are still being written."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingestion.connector import SourceError

SETTLE_SECONDS = 1.0
wait: Callable[[float], None] = time.sleep
clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Dropped:
    """A file of new content: its name inside the inbox, its SHA-256, size (bytes) and time of change (ns), and when
    (seconds of `clock`) those two were read."""

    path: Path
    name: str
    sha256: str
    stamp: tuple[int, int]
    seen_at: float

    def unchanged(self) -> bool:
        """Whether the file still is what was hashed."""
        try:
            return _stamp(self.path) == self.stamp
        except OSError:
            return False


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def listed(folder: Path) -> list[Path]:
    """Files of an inbox and its subfolders, by name. Raises SourceError when the inbox is not there."""
    if not folder.is_dir():
        raise SourceError(f"no inbox {folder}: create it and drop files there")
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith((".", "~$")))


def fresh(folder: Path, seen: set[str]) -> tuple[list[Dropped], list[str]]:
    """Files whose content hash is not in `seen`, each content once, and one line for each that cannot be opened."""
    found: list[Dropped] = []
    unreadable: list[str] = []
    taken = set(seen)
    for path in listed(folder):
        name = path.relative_to(folder).as_posix()
        try:
            stamp, seen_at = _stamp(path), clock()
            with path.open("rb") as file:
                sha = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            unreadable.append(f"{name}: cannot be read ({error.strerror}); mend its permissions")
            continue
        if sha not in taken:
            taken.add(sha)
            found.append(Dropped(path, name, sha, stamp, seen_at))
    return found, unreadable


def settle(found: list[Dropped]) -> tuple[list[Dropped], list[str]]:
    """One wait for all files, until each was seen a second ago; the names of those that changed come second."""
    if found:
        wait(max(0.0, max(dropped.seen_at for dropped in found) + SETTLE_SECONDS - clock()))
    quiet = [dropped for dropped in found if dropped.unchanged()]
    return quiet, [dropped.name for dropped in found if dropped not in quiet]
