"""The window that a cursor over update or posting times reads, and the days it speaks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from ingestion.connector import Request

# Amazon wants the end of a window at least two minutes old.
FRESH = timedelta(minutes=3)
# The earliest local midnight on Earth is fourteen hours before UTC's.
_EARLIEST = timedelta(hours=14)


def start(request: Request, look_back: timedelta) -> tuple[datetime, date]:
    """The moment to read from, and the first local day that is whole from there, wherever on Earth the store is."""
    if request.date_from is None and request.cursor:
        moment = datetime.fromisoformat(request.cursor) - look_back
        return moment, (moment + _EARLIEST).date() + timedelta(days=1)
    day = request.date_from or request.first_day
    return datetime.combine(day, time(), UTC) - _EARLIEST, day


def days(first: date, end: date) -> Sequence[date]:
    """From `first` to the day before `end`."""
    return [first + timedelta(days=n) for n in range((end - first).days)]


def text(moment: datetime) -> str:
    """As Amazon writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
