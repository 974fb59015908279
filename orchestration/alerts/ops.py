"""data/ops.sqlite: alert state, outbox and journal, safe under several processes and kill -9."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

MIGRATIONS = (
    """
    create table alert_state (
        rule_id text not null, scope_type text not null, scope_id text not null,
        metric text, state text not null, since text not null, period_start text, value real, threshold real,
        episode integer not null default 0, message_key text, updated_at text not null,
        primary key (rule_id, scope_type, scope_id));
    create table outbox (
        id integer primary key, alert_key text not null unique, parent_key text, kind text not null,
        channel text not null, thread_ts text, payload text not null,
        status text not null check (status in ('pending', 'sending', 'sent', 'ambiguous', 'dead')),
        attempts integer not null default 0, next_attempt_at real not null default 0, claimed_at real,
        slack_channel text, slack_ts text, error text, created_at text not null);
    create index outbox_open on outbox (status, id);
    create table alert_event (
        id integer primary key, alert_key text not null, rule_id text, metric text, scope_type text, scope_id text,
        period_start text, event text not null, at text not null, channel text, slack_ts text, detail text);
    create table evaluation (run_id text primary key, at text not null, opened integer not null,
        recovered integer not null);
    create table slack_channel (name text primary key, last_post_at real not null);
    """,
)


@dataclass(frozen=True)
class Fingerprint:
    """One breach's identity: the rule and where it is broken."""

    rule_id: str
    scope_type: str
    scope_id: str
    metric: str | None = None

    @property
    def key(self) -> str:
        """The start of every alert key of this fingerprint."""
        return f"{self.rule_id}|{self.scope_type}|{self.scope_id}"


def connect(path: Path) -> sqlite3.Connection:
    """Open the file (made when absent) in autocommit mode and bring its schema up to date."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    if _version(connection) < len(MIGRATIONS):
        with transaction(connection):
            for number in range(_version(connection), len(MIGRATIONS)):
                for statement in MIGRATIONS[number].split(";"):
                    connection.execute(statement)
                connection.execute(f"pragma user_version = {number + 1}")
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """`connect`, closed at the end of the block."""
    connection = connect(path)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, with the write lock taken at the start so that no two processes decide on the same rows."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def record_event(
    connection: sqlite3.Connection,
    alert_key: str,
    event: str,
    at: datetime,
    fingerprint: Fingerprint | None = None,
    period_start: str | None = None,
    **more: Any,
) -> None:
    """Append to the journal; `more` takes channel, slack_ts and detail."""
    connection.execute(
        "insert into alert_event (alert_key, rule_id, metric, scope_type, scope_id, period_start, event, at, channel,"
        " slack_ts, detail) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            alert_key,
            fingerprint.rule_id if fingerprint else None,
            fingerprint.metric if fingerprint else None,
            fingerprint.scope_type if fingerprint else None,
            fingerprint.scope_id if fingerprint else None,
            period_start,
            event,
            at.isoformat(timespec="microseconds"),
            more.get("channel"),
            more.get("slack_ts"),
            more.get("detail"),
        ),
    )
