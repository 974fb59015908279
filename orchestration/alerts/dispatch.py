"""Empties the outbox into Slack: nothing lost, nothing posted twice, whatever process dies when."""

from __future__ import annotations

import fcntl
import json
import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestration.alerts.messages import test_message
from orchestration.alerts.ops import opened, record_event, transaction
from orchestration.alerts.slack import Ambiguous, Later, Outcome, Refused, Sent, Transport, transport

if TYPE_CHECKING:
    from ingestion.company import Company

log = logging.getLogger("kpi.alerts")

PACE = 1.0  # seconds between messages of one channel, Slack's posted limit
MAX_WAIT = 60.0  # seconds that one call may sleep in all; what is due later waits for the next call
LOOK_BACK = 900.0  # seconds before the claim that a look-up reaches, for clocks that differ
MAX_BAD = 3  # a message that Slack calls malformed is given up after so many tries


class Clock(Protocol):
    """Time that a test can turn."""

    def now(self) -> float:
        """Epoch seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def dispatch(ops: Path, company: Company, env: Mapping[str, str], clock: Clock | None = None) -> int:
    """Send what is due and return how many messages Slack now has that it was not known to have before.

    Without a token, a webhook or `slack.channels` everything stays in the outbox. One dispatcher works at a time; the
    lock dies with its process, so a row found `sending` under it was left by a killed one and is looked up first.
    """
    way = transport(_environment(company, env))
    channels = company.slack.channels if company.slack else {}
    if way is None or not channels or not ops.exists():
        return 0
    with _alone(ops), opened(ops) as connection:
        return _Dispatcher(connection, way, channels, clock or SystemClock()).run()


def send_test(company: Company, env: Mapping[str, str]) -> tuple[list[str], bool]:
    """Send one message to each channel; returns a line per channel that says how it went, and whether all arrived."""
    way = transport(_environment(company, env))
    channels = company.slack.channels if company.slack else {}
    if way is None:
        return ["nothing sent: set SLACK_BOT_TOKEN or SLACK_WEBHOOK_URL in the environment or in .env"], False
    if not channels:
        return ['nothing sent: name the channels in company.yml, as slack: {channels: {default: "#kpi"}}'], False
    lines = [] if way.can_look_up else ["a webhook posts to its own channel only, without updates or threads"]
    arrived = True
    for name, channel in channels.items():
        body = test_message(company.name, channel, company.languages)
        outcome = way.post(channel, body, f"test|{name}|{time.time_ns()}", None)
        arrived = arrived and isinstance(outcome, Sent)
        lines.append(f"{name} {channel}: {'sent' if isinstance(outcome, Sent) else outcome.reason}")
    return lines, arrived


def _environment(company: Company, env: Mapping[str, str]) -> Mapping[str, str]:
    from dotenv import dotenv_values

    kept = dotenv_values(company.root / ".env", interpolate=False)
    return {**{key: value for key, value in kept.items() if value}, **env}


@contextmanager
def _alone(ops: Path) -> Iterator[None]:
    with ops.with_suffix(".dispatch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class _Dispatcher:
    def __init__(self, db: sqlite3.Connection, way: Transport, channels: Mapping[str, str], clock: Clock) -> None:
        self._db, self._way, self._channels, self._clock = db, way, channels, clock
        self._waited = 0.0
        self._skipped: set[int] = set()
        self._closed: set[str] = set()

    def run(self) -> int:
        """Work the rows in the order they were written, channel by channel."""
        with transaction(self._db):
            self._db.execute(
                "update outbox set status = 'ambiguous', error = 'its sender ended' where status = 'sending'"
            )
        sent = 0
        while (row := self._next()) is not None:
            outcome = self._attempt(row)
            sent += isinstance(outcome, Sent)
            if isinstance(outcome, Refused) and outcome.kind == "auth":
                break
        return sent

    def _channel(self, row: sqlite3.Row) -> str:
        name = row["channel"]
        return self._channels.get(name) or self._channels.get("default") or next(iter(self._channels.values()))

    def _next(self) -> sqlite3.Row | None:
        """The first row that may go now, after a bounded wait for it; a channel's rows keep their order."""
        waiting: list[tuple[float, sqlite3.Row]] = []
        blocked = set(self._closed)
        for row in self._db.execute("select * from outbox where status in ('pending', 'ambiguous') order by id"):
            channel = self._channel(row)
            if row["id"] in self._skipped or channel in blocked:
                continue
            parent = self._db.execute("select status from outbox where alert_key = ?", (row["parent_key"],)).fetchone()
            if parent and parent["status"] not in ("sent", "dead"):
                continue  # a reply waits for the message it answers
            blocked.add(channel)
            last = self._db.execute("select last_post_at from slack_channel where name = ?", (channel,)).fetchone()
            # A post "in the future" means that the machine's clock was set back: it must not block the channel.
            paced = last["last_post_at"] + PACE if last and last["last_post_at"] <= self._clock.now() else 0.0
            due = max(row["next_attempt_at"], paced)
            waiting.append((due, row))
        if not waiting:
            return None
        due, row = min(waiting, key=lambda entry: (entry[0], entry[1]["id"]))
        wait = due - self._clock.now()
        if wait > 0:
            if self._waited + wait > MAX_WAIT:
                return None
            self._waited += wait
            self._clock.sleep(wait)
        return row

    def _attempt(self, row: sqlite3.Row) -> Outcome:
        channel = self._channel(row)
        thread_ts, at = None, channel
        if row["parent_key"]:
            parent = self._db.execute(
                "select slack_channel, slack_ts from outbox where alert_key = ?", (row["parent_key"],)
            ).fetchone()
            if parent and parent["slack_ts"]:
                thread_ts, at = parent["slack_ts"], parent["slack_channel"] or channel
        if row["status"] == "ambiguous" and row["kind"] != "update":
            found = self._look_up(row, at, thread_ts)
            if found is not None:
                self._settle(row, channel, found, looked_up=True)
                return found
        self._claim(row, channel)
        body = json.loads(row["payload"])
        if row["kind"] == "update":
            outcome: Outcome = (
                self._way.update(at, thread_ts, body, row["alert_key"])
                if thread_ts
                else Refused("its first message is not in Slack", "update")
            )
        else:
            outcome = self._way.post(at, body, row["alert_key"], thread_ts)
        self._settle(row, channel, outcome)
        return outcome

    def _look_up(self, row: sqlite3.Row, channel: str, thread_ts: str | None) -> Outcome | None:
        if not self._way.can_look_up:
            return Refused("unconfirmed: the webhook did not answer; not repeated, look into the channel", "lost")
        begun = row["claimed_at"] or self._clock.now()
        found = self._way.find(channel, row["alert_key"], begun - LOOK_BACK, thread_ts)
        if isinstance(found, Refused) and found.reason == "missing_scope":
            return Refused("missing_scope: give the bot channels:read and channels:history to confirm it", "look_up")
        return found

    def _claim(self, row: sqlite3.Row, channel: str) -> None:
        now = self._clock.now()
        with transaction(self._db):
            self._db.execute(
                "update outbox set status = 'sending', attempts = attempts + 1, claimed_at = coalesce(claimed_at, ?)"
                " where id = ?",
                (now, row["id"]),
            )
            self._db.execute("insert or replace into slack_channel (name, last_post_at) values (?, ?)", (channel, now))

    def _settle(self, row: sqlite3.Row, channel: str, outcome: Outcome, looked_up: bool = False) -> None:
        """Write what became of the row; a failed look-up leaves it ambiguous."""
        now, tries = self._clock.now(), row["attempts"] + (0 if looked_up else 1)
        backoff = now + min(2.0 ** max(tries, 1), 300.0)
        unsure = "ambiguous" if looked_up else "pending"
        ts = where = None
        if isinstance(outcome, Sent):
            status, due, error, event = "sent", 0.0, None, "delivered"
            ts, where = outcome.ts, outcome.channel or channel
        elif isinstance(outcome, Later):
            status, error, event = unsure, outcome.reason, "delayed"
            due = backoff if outcome.seconds is None else now + outcome.seconds
        elif isinstance(outcome, Ambiguous):
            status, due, error, event = "ambiguous", backoff, outcome.reason, "ambiguous"
        else:
            status, due, error, event = self._refused(row, channel, outcome, unsure, tries)
        with transaction(self._db):
            self._db.execute(
                "update outbox set status = ?, next_attempt_at = ?, error = ?, slack_ts = coalesce(?, slack_ts),"
                " slack_channel = coalesce(?, slack_channel),"
                " thread_ts = coalesce((select p.slack_ts from outbox p where p.alert_key = outbox.parent_key),"
                " thread_ts),"
                " attempts = max(attempts, ?) where id = ?",
                (status, due, error, ts, where, tries + (1 if looked_up else 0), row["id"]),
            )
            moment = datetime.fromtimestamp(now, UTC)
            record_event(self._db, row["alert_key"], event, moment, channel=where or channel, slack_ts=ts, detail=error)

    def _refused(
        self, row: sqlite3.Row, channel: str, refusal: Refused, unsure: str, tries: int
    ) -> tuple[str, float, str, str]:
        """A person must act: the row is kept for the next call, unless it can never succeed."""
        self._skipped.add(row["id"])
        if refusal.kind == "auth":
            log.error("Slack refuses the credentials (%s): check SLACK_BOT_TOKEN or the webhook; messages wait in the outbox", refusal.reason)  # fmt: skip  # noqa: E501
        elif refusal.kind == "channel":
            self._closed.add(channel)
            log.error("Slack refuses channel %s (%s): invite the bot or correct slack.channels in company.yml; messages wait in the outbox", channel, refusal.reason)  # fmt: skip  # noqa: E501
        elif refusal.kind == "look_up":
            log.error("alert %s to %s is unconfirmed and waits: %s", row["alert_key"], channel, refusal.reason)
        elif refusal.kind in ("lost", "update") or tries >= MAX_BAD or row["kind"] == "update":
            if refusal.kind != "update":
                log.error("alert %s to %s given up: %s", row["alert_key"], channel, refusal.reason)
            return "dead", 0.0, refusal.reason, "given_up"
        return unsure, 0.0, refusal.reason, "refused"
