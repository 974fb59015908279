"""One run at a time: an OS lock that dies with its process, so that a killed run never blocks the next one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_held: dict[Path, int] = {}


class AlreadyRunningError(Exception):
    """Another process holds the lock; the message says which."""


def hold_for_process(state_dir: Path) -> None:
    """Hold `state_dir/lock` until this process ends; holding it twice is holding it once.

    Raises:
        AlreadyRunningError: another process holds it; the message carries its process id.
    """
    path = (state_dir / "lock").resolve()
    if path not in _held:
        _held[path] = _take(path)


@contextmanager
def run_lock(state_dir: Path) -> Iterator[None]:
    """Hold the lock while the block runs; a run of this same process counts as another one.

    Raises:
        AlreadyRunningError: it is held; the message carries the process id of the holder.
    """
    path = (state_dir / "lock").resolve()
    _held[path] = _take(path)
    try:
        yield
    finally:
        os.close(_held.pop(path))


def _take(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        # Two descriptors exclude each other, within one process too.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode().strip() or "unknown"
        os.close(descriptor)
        raise AlreadyRunningError(
            f"another run is under way (process {holder} holds {path}); wait for it to end, or stop it"
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor
