"""What every simulated platform shares: a request, an answer, and how JSON and moments are written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Ask:
    """One HTTP request; `query` holds the first value of each parameter, `headers` have lower-case names."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object, {} when it isn't one."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class Answer:
    """One HTTP response."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def reply(value: object, status: int = 200, **headers: str) -> Answer:
    """A JSON answer; underscores in header names become dashes."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value, ensure_ascii=False).encode(), {"Content-Type": "application/json", **named})


def sp_error(status: int, code: str, message: str, **headers: str) -> Answer:
    """An error in the SP-API's form."""
    return reply({"errors": [{"code": code, "message": message, "details": ""}]}, status, **headers)


def iso(epoch: int) -> str:
    """Epoch seconds as an ISO 8601 moment in UTC."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_moment(text: str) -> int | None:
    """Epoch seconds of an ISO 8601 moment (a bare date is its midnight UTC); None when it isn't one."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def amount_text(minor: int, per_unit: int) -> str:
    """Minor units as a decimal string: cents with two places, yen with none."""
    if per_unit == 1:
        return str(int(minor))
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(int(minor)) // per_unit}.{abs(int(minor)) % per_unit:02d}"
