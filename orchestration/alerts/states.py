"""Writes what became of an alert: state, message and journal, all in the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orchestration.alerts.ops import Fingerprint, record_event


class States:
    """The alert states of one evaluation; `opened` and `recovered` count its changes."""

    def __init__(self, connection: sqlite3.Connection, run_id: str, now: datetime) -> None:
        self._db, self._run_id, self.now = connection, run_id, now
        self.opened = self.recovered = 0

    def of(self, fingerprint: Fingerprint) -> sqlite3.Row | None:
        """What is known of an alert, None when it never fired."""
        row: sqlite3.Row | None = self._db.execute(
            "select * from alert_state where rule_id = ? and scope_type = ? and scope_id = ?", _where(fingerprint)
        ).fetchone()
        return row

    def fire(
        self, fingerprint: Fingerprint, period: str | None, value: float | None, threshold: float | None, since: str
    ) -> str:
        """A new episode begins; returns its key, under which its message is to be queued."""
        state = self.of(fingerprint)
        episode = (state["episode"] if state else 0) + 1
        key = f"{fingerprint.key}|{episode}"
        self._db.execute(
            "insert or replace into alert_state values (?, ?, ?, ?, 'firing', ?, ?, ?, ?, ?, ?, ?)",
            (
                *_where(fingerprint), fingerprint.metric, since, period, value, threshold, episode, key,
                self.now.isoformat(),
            ),
        )  # fmt: skip
        self.opened += 1
        return key

    def tell(
        self, key: str, kind: str, channel: str, body: dict[str, Any], fingerprint: Fingerprint, period: str | None,
        detail: str | None = None,
    ) -> None:  # fmt: skip
        """Queue the message of an episode that began."""
        self._queue(key, kind, channel, body)
        self._record(key, "firing", fingerprint, period, channel, detail)

    def tell_together(
        self, channel: str, body: dict[str, Any], members: Sequence[tuple[str, Fingerprint, str | None]]
    ) -> None:
        """Queue one message for many episodes (key, fingerprint, period) of a channel; replies go to its thread."""
        group = f"group|{channel}|{self._run_id}"
        self._queue(group, "firing", channel, body)
        for key, fingerprint, period in members:
            self._set(fingerprint, message_key=group)
            self._record(key, "firing", fingerprint, period, channel, group)

    def recover(
        self,
        fingerprint: Fingerprint,
        state: sqlite3.Row,
        period: str | None,
        value: float | None,
        channel: str,
        body: dict[str, Any],
    ) -> None:
        """The episode ends, with a reply in the thread of its message."""
        self._set(fingerprint, state="recovered", period_start=period, value=value)
        key = f"{fingerprint.key}|{state['episode']}|recovered"
        self._queue(key, "recovered", channel, body, state["message_key"])
        self._record(key, "recovered", fingerprint, period, channel, None)
        self.recovered += 1

    def still_firing(
        self,
        fingerprint: Fingerprint,
        state: sqlite3.Row,
        period: str,
        value: float | None,
        threshold: float | None,
        channel: str,
        body: dict[str, Any],
    ) -> None:
        """The episode goes on with new numbers: its message is rewritten, unless it speaks for many."""
        if period == state["period_start"] and value == state["value"]:
            return
        self._set(fingerprint, period_start=period, value=value, threshold=threshold)
        own = f"{fingerprint.key}|{state['episode']}"
        key = f"{own}|update|{self._run_id}"
        if state["message_key"] == own:
            self._queue(key, "update", channel, body, own)
        self._record(key, "still_firing", fingerprint, period, channel, None)

    def inhibited(self, fingerprint: Fingerprint, period: str) -> None:
        """A verdict that was not given, because its data is stale or held; once per period."""
        known = self._db.execute(
            "select 1 from alert_event where event = 'inhibited' and rule_id = ? and scope_type = ? and scope_id = ?"
            " and period_start = ?",
            (*_where(fingerprint), period),
        ).fetchone()
        if not known:
            self._record(fingerprint.key, "inhibited", fingerprint, period, None, None)

    def firing(self) -> list[Fingerprint]:
        """Every alert that fires, whatever judged it."""
        rows = self._db.execute(
            "select * from alert_state where state = 'firing' order by rule_id, scope_type, scope_id"
        )
        return [Fingerprint(row["rule_id"], row["scope_type"], row["scope_id"], row["metric"]) for row in rows]

    def retire(self, fingerprint: Fingerprint) -> None:
        """Nobody judges this alert any more: it ends without a message."""
        self._set(fingerprint, state="retired")
        self._record(fingerprint.key, "retired", fingerprint, None, None, None)

    def _set(self, fingerprint: Fingerprint, **columns: Any) -> None:
        columns["updated_at"] = self.now.isoformat()
        assignments = ", ".join(f"{name} = ?" for name in columns)
        self._db.execute(
            f"update alert_state set {assignments} where rule_id = ? and scope_type = ? and scope_id = ?",
            (*columns.values(), *_where(fingerprint)),
        )

    def _queue(self, key: str, kind: str, channel: str, body: dict[str, Any], parent: str | None = None) -> None:
        self._db.execute(
            "insert into outbox (alert_key, parent_key, kind, channel, payload, status, created_at)"
            " values (?, ?, ?, ?, ?, 'pending', ?)",
            (key, parent, kind, channel, json.dumps(body, ensure_ascii=False), self.now.isoformat()),
        )

    def _record(
        self, key: str, event: str, fingerprint: Fingerprint, period: str | None, channel: str | None,
        detail: str | None,
    ) -> None:  # fmt: skip
        record_event(self._db, key, event, self.now, fingerprint, period, channel=channel, detail=detail)


def _where(fingerprint: Fingerprint) -> tuple[str, str, str]:
    return fingerprint.rule_id, fingerprint.scope_type, fingerprint.scope_id
