"""A Slack on loopback that can refuse, delay and die, a company, and a published file."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import duckdb
import pytest


class FakeSlack:
    """Keeps what it accepted; `plan` says how the next posts are answered (default: well)."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.plan: list[str] = []
        self.updates: list[dict[str, Any]] = []
        self.page = 2
        self._lock = threading.Lock()
        slack = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                return

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                kind = self.headers.get("Content-Type", "")
                slack.answer(self, json.loads(body) if "json" in kind else dict(parse_qsl(body)))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/api"
        self.env = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_API_URL": self.url}

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def keys(self) -> list[str]:
        return [m["metadata"]["event_payload"]["alert_key"] for m in self.messages]

    def answer(self, handler: BaseHTTPRequestHandler, wish: dict[str, Any]) -> None:
        method = handler.path.rsplit("/", 1)[1]
        if method == "conversations.list":
            return self.reply(
                handler, {"ok": True, "channels": [{"id": "C1", "name": "kpi"}, {"id": "C2", "name": "d"}]}
            )
        if method in ("conversations.history", "conversations.replies"):
            start = int(wish.get("cursor") or 0)
            thread = wish.get("ts")
            found = [m for m in reversed(self.messages) if m["channel"] == wish["channel"]]
            found = [m for m in found if m.get("thread_ts") == thread]
            more = str(start + self.page) if start + self.page < len(found) else ""
            page = {"messages": found[start : start + self.page], "response_metadata": {"next_cursor": more}}
            return self.reply(handler, {"ok": True, **page})
        if method == "chat.update":
            self.updates.append(wish)
            return self.reply(handler, {"ok": True, "ts": wish["ts"]})
        with self._lock:
            step = self.plan.pop(0) if self.plan else "ok"
            if step in ("ok", "accept_then_500", "accept_then_reset", "accept_then_close"):
                ids = {"#kpi": "C1", "#d": "C2"}
                wish["channel"] = ids.get(wish.get("channel", ""), wish.get("channel", ""))
                self.messages.append({**wish, "ts": f"1.{len(self.messages):06d}"})
            ts = f"1.{len(self.messages) - 1:06d}"
        if step == "429":
            return self.reply(handler, {"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "7"})
        if step in ("500", "accept_then_500"):
            return self.reply(handler, {"ok": False, "error": "internal_error"}, 500)
        if step in ("reset", "accept_then_reset"):
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if step in ("reset", "accept_then_reset", "accept_then_close"):
            handler.close_connection = True
            handler.connection.close()
            return None
        if step != "ok":
            return self.reply(handler, {"ok": False, "error": step})
        return self.reply(handler, {"ok": True, "ts": ts, "channel": wish["channel"]})

    @staticmethod
    def reply(
        handler: BaseHTTPRequestHandler, body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        data = json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)


class TurnedClock:
    """Sleeping moves it."""

    def __init__(self) -> None:
        self.time = 1_700_000_000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    server = FakeSlack()
    yield server
    server.stop()


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


COMPANY = """\
name: Acme <Outdoor>
reporting_currency: USD
languages: [en]
stores: [{id: us, platform: amazon, region: US, currency: USD, timezone: America/Los_Angeles, opened_on: 2025-01-01}]
sources: []
slack: {channels: {default: "#kpi", data: "#d"}}
"""
ALERTS = """\
rules:
  - {id: refunds_high, metric: refund_rate, scope: {type: store}, condition: {above: 0.08}, severity: critical}
"""


@pytest.fixture
def company(tmp_path: Path) -> Any:
    from ingestion.company import load_company

    (tmp_path / "company.yml").write_text(COMPANY)
    (tmp_path / "alerts.yml").write_text(ALERTS)
    return load_company(tmp_path)


@pytest.fixture
def world(tmp_path: Path, company: Any) -> SimpleNamespace:
    published = tmp_path / "data" / "published" / "company.duckdb"
    published.parent.mkdir(parents=True)
    return SimpleNamespace(ops=tmp_path / "data" / "ops.sqlite", published=published, company=company)


@pytest.fixture
def publish(world: SimpleNamespace) -> Any:
    """Writes a published file: (scope, day, value, state) rows of the rule `refunds_high`."""

    def write(*rows: tuple[str, str, float, str]) -> None:
        world.published.unlink(missing_ok=True)
        with duckdb.connect(str(world.published)) as db:
            db.execute("create schema kpi")
            db.execute(
                "create table kpi.kpi_breaches (rule_id text, metric text, scope_type text, scope_id text,"
                " period_start date, value double, threshold double, severity text, state text)"
            )
            db.execute("create table kpi.metric_catalog (metric text, name_en text, name_zh text, unit text)")
            db.execute("insert into kpi.metric_catalog values ('refund_rate', 'Refund rate', '退款率', 'ratio')")
            db.execute(
                "create table kpi.kpi_values (metric text, grain text, period_start date, scope_type text,"
                " scope_id text, value double, numerator double, currency text)"
            )
            for scope, day, value, state in rows:
                db.execute(
                    "insert into kpi.kpi_breaches values ('refunds_high', 'refund_rate', 'store', ?, ?, ?, 0.08,"
                    " 'critical', ?)", [scope, day, value, state],
                )  # fmt: skip
                db.execute(
                    "insert into kpi.kpi_values values ('refund_rate', 'day', ?, 'store', ?, ?, ?, null)",
                    [day, scope, value, value],
                )

    return write
