"""What a connector is: the shape every source shares, and the events it yields while it reads.

A connector module (`ingestion/<kind>/<system>/`) exposes `connect(source) -> Connector`. It never knows where its rows
land: the landing engine turns its events into one dlt load package per resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa


class SourceError(Exception):
    """A source that cannot be read; the message is one line that names the thing, the place and the way out."""


class PartlyReadError(SourceError):
    """Raised at the end of an extraction that could not read some files at all: what it yielded lands all the same."""


class Archive(Protocol):
    """Keeps a report or file as received, but for its personal columns, which the caller has blanked."""

    def __call__(self, name: str, content: bytes | Path, *, original_sha256: str | None = None) -> ArchivedFile: ...

    def stream(self, name: str, original_sha256: str) -> AbstractContextManager[ArchiveStream]:
        """A copy that is written piece by piece, and kept unless an exception ends the `with` block."""


class ArchiveStream(Protocol):
    """A copy on its way into the archive."""

    closed: bool

    def write(self, data: bytes) -> int:
        """Add to the copy."""

    def kept(self) -> ArchivedFile:
        """Make what was written durable, and say where it is."""


@dataclass(frozen=True)
class ArchivedFile:
    """Where a copy went: path relative to the archive, SHA-256 of what was received and of the copy."""

    archived_as: str
    sha256: str
    copy_sha256: str
    bytes: int


@dataclass(frozen=True)
class Request:
    """What one extraction is asked for.

    `date_from` and `date_to` are store-local days, both included; None means "as far as cursor and look-back say".
    `as_of_day` is the first open day of the store and `open_since` its midnight; `now` is the real clock in UTC, which
    APIs check against.
    `cursor` is the newest `Cursor` value of a visible load of this resource, None before the first.
    """

    as_of_day: date
    open_since: datetime
    now: datetime
    first_day: date
    date_from: date | None
    date_to: date | None
    cursor: str | None
    archive: Archive


@dataclass(frozen=True)
class Rows:
    """Typed rows for one lake table."""

    table: str
    data: pa.Table


@dataclass(frozen=True)
class Quarantined:
    """A row that did not fit: where it stood and why. The reason never quotes a value."""

    table: str
    file: str
    line: int
    reason: str


@dataclass(frozen=True)
class Covered:
    """Days that were asked for and answered, even with no rows."""

    account: str
    days: Sequence[date]


@dataclass(frozen=True)
class Cursor:
    """The newest position seen in the data itself."""

    value: str


@dataclass(frozen=True)
class FileLanded:
    """One file or report document, with its row balance."""

    file_name: str
    archived: ArchivedFile
    rows_in: int
    rows_landed: int
    rows_quarantined: int


@dataclass(frozen=True)
class Drift:
    """A column the declared schema does not know, or one it expects that was absent."""

    table: str
    column: str
    detected_type: str


@dataclass(frozen=True)
class Report:
    """The platform's id of an asynchronous report, kept as evidence."""

    report_id: str


@dataclass(frozen=True)
class Notice:
    """Something a person should know that stops nothing (an overlap, a file still growing)."""

    message: str


Event = Rows | Quarantined | Covered | Cursor | FileLanded | Drift | Report | Notice


@dataclass(frozen=True)
class Resource:
    """One thing a source lands: its lake tables with their schemas, and how to read it."""

    name: str
    tables: Mapping[str, pa.Schema]
    extract: Callable[[Request], Iterator[Event]]


@dataclass(frozen=True)
class Connector:
    """The resources of one configured source, and a cheap call that proves that its credentials work."""

    resources: Sequence[Resource]
    check: Callable[[], str]
    options: Mapping[str, object] = field(default_factory=dict)
