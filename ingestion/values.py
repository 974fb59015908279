"""Values out of an API's JSON, exact or not at all: each raises ValueError where a value does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ingestion.company import Source
from ingestion.connector import Drift, SourceError

_PLACES = Decimal("1e-9")
_TOO_MUCH = Decimal("1e11")
_KINDS = ((bool, "boolean"), (int, "integer"), (Decimal, "number"), (str, "string"), (list, "list"), (dict, "object"))


def money(value: Any) -> Decimal | None:
    """An amount as a decimal of nine places, as the lake keeps it; None and "" stay unknown."""
    if value is None or value == "":
        return None
    try:
        amount = Decimal(str(value)).quantize(_PLACES)
    except InvalidOperation:
        raise ValueError("no amount") from None
    if not amount.is_finite() or abs(amount) >= _TOO_MUCH:
        raise ValueError("no amount")
    return amount


def whole(value: Any) -> int | None:
    """A count; 12.5 of something is an error and never 12. None and "" stay unknown."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("no number") from None
    if number != number.to_integral_value():
        raise ValueError("no whole number")
    return int(number)


def text(value: Any) -> str | None:
    """Text, or a whole number as text: digits beyond 2^53 stay as they are. None stays unknown."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("no text")
    return str(value)


def ident(value: Any) -> str:
    """An id as text, never empty."""
    found = text(value)
    if not found:
        raise ValueError("no id")
    return found


def moment(value: Any) -> datetime:
    """An ISO 8601 moment with its offset from UTC."""
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("no offset from UTC")
    return found


def setting(source: Source, name: str, default: float) -> float:
    """A numeric option of the source. Raises SourceError where it is no positive number."""
    try:
        value = float(str(source.options.get(name, default)))
    except ValueError:
        value = 0.0
    if value <= 0:
        raise SourceError(f"{source.id}: {name} must be a positive number")
    return value


class Unknown:
    """Fields of an API's answers that nobody declared, each told once an extraction."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._told: set[str] = set()

    def look(self, entry: Mapping[str, Any], known: frozenset[str], place: str = "") -> Iterator[Drift]:
        """Yields a Drift for each field of `entry` that is not in `known`; `place` is the dotted path of `entry`."""
        for name in entry.keys() - known:
            field = f"{place}.{name}" if place else name
            if field not in self._told:
                self._told.add(field)
                kind = next((text for kind, text in _KINDS if isinstance(entry[name], kind)), "null")
                yield Drift(self._table, field, kind)
