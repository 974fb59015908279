"""What a landing is asked for, and what it says afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal


@dataclass(frozen=True)
class LandOptions:
    """One run: days are store-local and both ends included; `now` is the real clock in UTC."""

    run_id: str
    date_from: date | None
    date_to: date | None
    as_of: date | None
    now: datetime
    resources: set[str] | None = None


@dataclass
class ResourceResult:
    """One resource of one source.

    `landed` with an `error` means: what could be read is landed and visible, and something could not be read at all.
    """

    resource: str
    window_from: date | None
    window_to: date | None
    rows_landed: int
    rows_quarantined: int
    started_at: datetime
    finished_at: datetime
    status: Literal["landed", "empty", "failed"]
    error: str | None = None
    load_id: str | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass
class SourceResult:
    """One source; `error` is one line, the first of its resources' errors or its own."""

    source_id: str
    system: str
    seconds: float
    rows_landed: int
    rows_quarantined: int
    error: str | None
    resources: list[ResourceResult]
