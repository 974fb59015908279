"""A platform on loopback that answers as a test says, and a clock that only its own naps move."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from ingestion.company import Source
from ingestion.connector import ArchivedFile, Connector, Covered, Event, Request, Rows
from ingestion.http import Client


@dataclass(frozen=True)
class Ask:
    """One request as the platform saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer; `claimed` bytes are announced where they are not those that are sent."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    claimed: int | None = None


Platform = Callable[[Ask], Reply]


def reply(value: object, status: int = 200, **headers: str) -> Reply:
    """A JSON answer; underscores in header names become dashes."""
    return Reply(status, json.dumps(value).encode(), {k.replace("_", "-"): v for k, v in headers.items()})


class Loopback:
    """A running platform: `url`, and `asked`, every request so far but those for tokens."""

    def __init__(self, platform: Platform) -> None:
        self.asked: list[Ask] = []
        self.tokens = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {k.lower(): v for k, v in self.headers.items()}
                ask = Ask(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
                if parts.path == "/token":
                    outer.tokens += 1
                    answer = reply({"access_token": f"token-{outer.tokens}"})
                else:
                    outer.asked.append(ask)
                    answer = platform(ask)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                size = len(answer.body) if answer.claimed is None else answer.claimed
                self.send_header("Content-Length", str(size))
                self.end_headers()
                self.wfile.write(answer.body)
                self.close_connection = self.close_connection or answer.claimed is not None

            do_GET = do_POST = _serve

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Ends serving and frees the port."""
        self._server.shutdown()
        self._server.server_close()


Serve = Callable[[Platform | Iterable[Reply]], Loopback]


@contextmanager
def serving() -> Iterator[Serve]:
    """Starts platforms, of a function or of answers in their order, and stops them in the end."""
    running: list[Loopback] = []

    def start(platform: Platform | Iterable[Reply]) -> Loopback:
        if not callable(platform):
            answers = iter(platform)
            running.append(Loopback(lambda _: next(answers)))
        else:
            running.append(Loopback(platform))
        return running[-1]

    try:
        yield start
    finally:
        for server in running:
            server.stop()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """See `serving`."""
    with serving() as start:
        yield start


class Naps:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.taken.append(seconds)

    def clock(self) -> float:
        return sum(self.taken)

    def client(self, name: str = "source") -> Client:
        """A client that lives in this time."""
        return Client(name, sleep=self.sleep, clock=self.clock)


def source(system: str, url: str, **settings: Any) -> Source:
    """A configured source of `system` whose every secret is known."""
    options = settings.pop("options", {})
    made = Source.model_validate({
        "id": "shop", "system": system, "store": "store", "credentials": "SHOP", "base_url": url,
        "auth_url": f"{url}/token", "options": options, **settings,
    })  # fmt: skip
    names = ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN", "PROFILE_ID", "APP_KEY", "TOKEN")
    made.use_secrets({name: SecretStr(f"secret-{name}") for name in names})
    return made


class Kept(dict[str, bytes]):
    """An archive in memory, by name."""

    def __call__(self, name: str, content: Any, *, original_sha256: str | None = None) -> ArchivedFile:
        self[name] = bytes(content)
        return ArchivedFile(name, original_sha256 or "sha", "sha", len(content))


def request(as_of: str = "2026-03-20", *, archive: Kept | None = None, **wish: Any) -> Request:
    """What an extraction is asked for on a day, at noon UTC of it."""
    day = date.fromisoformat(as_of)
    now = wish.pop("now", datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    defaults: dict[str, Any] = {
        "open_since": datetime(day.year, day.month, day.day, tzinfo=UTC), "first_day": date(2026, 1, 1),
        "date_from": None, "date_to": None, "cursor": None,
        "archive": archive if archive is not None else Kept(),
    }  # fmt: skip
    return Request(as_of_day=day, now=now, **{**defaults, **wish})


def extract(connector: Connector, name: str, wish: Request | None = None) -> list[Event]:
    """Every event of one resource."""
    resource = next(r for r in connector.resources if r.name == name)
    return list(resource.extract(wish or request()))


def rows(events: Iterable[Event], table: str) -> list[dict[str, Any]]:
    """The rows of one table, in their order."""
    return [row for e in events if isinstance(e, Rows) and e.table == table for row in e.data.to_pylist()]


def covered(events: Iterable[Event]) -> list[date]:
    """Every covered day."""
    return [day for e in events if isinstance(e, Covered) for day in e.days]
