"""The state machine: verdicts of a published run become state and outbox rows, in one transaction, once per run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.alerts import messages
from orchestration.alerts.ops import Fingerprint, opened, record_event, transaction
from orchestration.alerts.published import Breach, Context, Metric, Published

if TYPE_CHECKING:
    from ingestion.company import Company
    from orchestration.run_summary import RunSummary

GROUP_ABOVE = 10


@dataclass(frozen=True)
class AlertCounts:
    """Alerts that began and ended in one evaluation."""

    opened: int
    recovered: int


def evaluate(
    ops: Path,
    published: Path,
    company: Company,
    run: RunSummary,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AlertCounts:
    """Judge one run, once: a second call with the same run id changes nothing and returns the first one's counts.

    Args:
        ops: data/ops.sqlite, made when absent.
        published: the published file; read only when this run published.
        run: gives the run's failed sources and held stores.
        now: clock, UTC aware.
    """
    with opened(ops) as connection:
        done = _counts(connection, run.run_id)
        if done:
            return done
        evaluation = _Evaluation(connection, company, run, now())
        facts = _read(published, run)
        with transaction(connection):
            done = _counts(connection, run.run_id)
            if done:
                return done
            evaluation.data_alerts(facts.stale)
            evaluation.business_alerts(facts)
            connection.execute(
                "insert into evaluation values (?, ?, ?, ?)",
                (run.run_id, evaluation.now.isoformat(), evaluation.opened, evaluation.recovered),
            )
        return AlertCounts(evaluation.opened, evaluation.recovered)


def _counts(connection: sqlite3.Connection, run_id: str) -> AlertCounts | None:
    row = connection.execute("select opened, recovered from evaluation where run_id = ?", (run_id,)).fetchone()
    return AlertCounts(row["opened"], row["recovered"]) if row else None


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _queue(
    connection: sqlite3.Connection,
    key: str,
    kind: str,
    channel: str,
    body: dict[str, Any],
    now: datetime,
    parent: str | None = None,
) -> None:
    connection.execute(
        "insert into outbox (alert_key, parent_key, kind, channel, payload, status, created_at)"
        " values (?, ?, ?, ?, ?, 'pending', ?)",
        (key, parent, kind, channel, json.dumps(body, ensure_ascii=False), now.isoformat()),
    )


@dataclass(frozen=True)
class _Facts:
    breaches: list[Breach]
    metrics: dict[str, Metric]
    stale: dict[str, str] | None
    context: Callable[[Breach, str], Context]


def _read(path: Path, run: RunSummary) -> _Facts:
    if run.published_at is None or not path.exists():
        return _Facts([], {}, None, lambda breach, grain: Context())

    def context(breach: Breach, grain: str) -> Context:
        with Published(path) as published:
            return published.context(breach, grain)

    with Published(path) as published:
        return _Facts(published.newest_breaches(), published.metrics(), published.stale_sources(), context)


class _Evaluation:
    """One pass over the verdicts of a run, inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection, company: Company, run: RunSummary, now: datetime) -> None:
        self._db, self._company, self._run, self.now = connection, company, run, now
        self.opened = self.recovered = 0

    def data_alerts(self, stale: dict[str, str] | None) -> None:
        """Failed sources, held stores, stale sources, a failed build. The first two tell without a rule, too."""
        sources = {s["source_id"]: s.get("error") for s in self._run.sources}
        for rule, channel in self._data_rules("source_failed", always=True):
            for source_id, error in sources.items():
                self._data(Fingerprint(rule, "source", source_id), "source_failed", channel, error, None)
        for rule, channel in self._data_rules("held", always=True):
            for store in self._company.stores:
                held = self._run.held.get(store.id)
                why = str(held.get("check") or "a quality gate") if held else None
                since = str(held["since"]) if held and held.get("since") else None
                self._data(Fingerprint(rule, "store", store.id), "held", channel, why, since)
        for rule, channel in self._data_rules("stale", always=False):
            for source in self._company.sources:
                if stale is not None:
                    self._data(Fingerprint(rule, "source", source.id), "stale", channel, stale.get(source.id), None)
        told = any(sources.values()) or bool(self._run.held)
        failed = self._run.status == "failed" and (bool(self._run.errors) or not told)
        why = ("; ".join(self._run.errors) or "see the run's log")[:500] if failed else None
        if self._run.errors and told and self._run.published_at:
            why = None  # the failed source is the reason, and its own message says so
        self._data(Fingerprint("run_failed", "company", "company"), "run_failed", "data", why, None)

    def _data_rules(self, condition: str, always: bool) -> list[tuple[str, str]]:
        rules = [(r.id, r.channel) for r in self._company.alert_rules if r.condition.name == condition]
        return rules or ([(condition, "data")] if always else [])

    def _data(self, fingerprint: Fingerprint, event: str, channel: str, why: str | None, since: str | None) -> None:
        state = self._state(fingerprint)
        firing = state is not None and state["state"] == "firing"
        where = self._company.name if fingerprint.scope_type == "company" else fingerprint.scope_id
        if why is not None and not firing:
            begun = datetime.fromisoformat(since) if since else self.now
            body = messages.data(event, where, why, _minute(begun), self._company.languages)
            key = self._fire(fingerprint, state, None, None, None, begun.isoformat())
            self._tell(key, "data", channel, body, fingerprint, None, "firing", why)
            self.opened += 1
        elif why is None and firing and state is not None:
            begun = datetime.fromisoformat(state["since"])
            body = messages.data(f"{event}_recovered", where, "", _minute(begun), self._company.languages)
            self._recover(fingerprint, state, None, None, channel, body)

    def business_alerts(self, facts: _Facts) -> None:
        """Breaches of the rules of alerts.yml on the newest closed period of each scope."""
        rules = {rule.id: rule for rule in self._company.alert_rules}
        began: list[tuple[Fingerprint, messages.Finding, str, str]] = []
        for breach in facts.breaches:
            rule = rules.get(breach.rule_id)
            fingerprint = Fingerprint(breach.rule_id, breach.scope_type, breach.scope_id, breach.metric)
            state = self._state(fingerprint)
            older = state is not None and state["period_start"] and breach.period_start < state["period_start"]
            if rule is None or older:
                continue  # a run about the past does not reopen what newer days have settled
            firing = state is not None and state["state"] == "firing"
            if breach.state == "inhibited":
                self._inhibited(fingerprint, breach)
                continue
            if breach.state == "clear" and not firing:
                continue
            since = str(state["since"]) if firing and state is not None else breach.period_start
            drop = rule.condition.threshold if rule.condition.name == "drop" else None
            share = None if drop is None else float(drop)
            finding = messages.Finding(
                breach, facts.metrics.get(breach.metric, Metric(breach.metric, breach.metric, "")),
                rule.condition.name, rule.grain, since, rule.owner, facts.context(breach, rule.grain),
                self._company.languages, share,
            )  # fmt: skip
            if breach.state == "clear" and state is not None:
                body = messages.recovered(finding)
                self._recover(fingerprint, state, breach.period_start, breach.value, rule.channel, body)
            elif firing and state is not None:
                self._still_firing(fingerprint, state, finding, rule.channel)
            elif breach.state == "breach":
                key = self._fire(fingerprint, state, breach.period_start, breach.value, breach.threshold, since)
                began.append((fingerprint, finding, key, rule.channel))
        self.opened += len(began)
        self._announce(began)

    def _announce(self, began: list[tuple[Fingerprint, messages.Finding, str, str]]) -> None:
        if len(began) <= GROUP_ABOVE:
            for fingerprint, finding, key, channel in began:
                period = finding.breach.period_start
                self._tell(key, "firing", channel, messages.firing(finding), fingerprint, period, "firing", None)
            return
        for channel in sorted({entry[3] for entry in began}):
            members = [entry for entry in began if entry[3] == channel]
            group = f"group|{channel}|{self._run.run_id}"
            _queue(self._db, group, "firing", channel, messages.grouped([m[1] for m in members]), self.now)
            for fingerprint, finding, key, _ in members:
                self._db.execute(
                    "update alert_state set message_key = ? where rule_id = ? and scope_type = ? and scope_id = ?",
                    (group, fingerprint.rule_id, fingerprint.scope_type, fingerprint.scope_id),
                )
                period = finding.breach.period_start
                record_event(self._db, key, "firing", self.now, fingerprint, period, channel=channel, detail=group)

    def _state(self, fingerprint: Fingerprint) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(
            "select * from alert_state where rule_id = ? and scope_type = ? and scope_id = ?",
            (fingerprint.rule_id, fingerprint.scope_type, fingerprint.scope_id),
        ).fetchone()
        return row

    def _fire(
        self,
        fingerprint: Fingerprint,
        state: sqlite3.Row | None,
        period: str | None,
        value: float | None,
        threshold: float | None,
        since: str,
    ) -> str:
        episode = (state["episode"] if state else 0) + 1
        key = f"{fingerprint.key}|{episode}"
        self._db.execute(
            "insert or replace into alert_state values (?, ?, ?, ?, 'firing', ?, ?, ?, ?, ?, ?, ?)",
            (
                fingerprint.rule_id, fingerprint.scope_type, fingerprint.scope_id, fingerprint.metric, since, period,
                value, threshold, episode, key, self.now.isoformat(),
            ),
        )  # fmt: skip
        return key

    def _tell(
        self,
        key: str,
        kind: str,
        channel: str,
        body: dict[str, Any],
        fingerprint: Fingerprint,
        period: str | None,
        event: str,
        detail: str | None,
        parent: str | None = None,
    ) -> None:
        _queue(self._db, key, kind, channel, body, self.now, parent)
        record_event(self._db, key, event, self.now, fingerprint, period, channel=channel, detail=detail)

    def _recover(
        self,
        fingerprint: Fingerprint,
        state: sqlite3.Row,
        period: str | None,
        value: float | None,
        channel: str,
        body: dict[str, Any],
    ) -> None:
        self._db.execute(
            "update alert_state set state = 'recovered', period_start = ?, value = ?, updated_at = ?"
            " where rule_id = ? and scope_type = ? and scope_id = ?",
            (
                period, value, self.now.isoformat(), fingerprint.rule_id, fingerprint.scope_type,
                fingerprint.scope_id,
            ),
        )  # fmt: skip
        key = f"{fingerprint.key}|{state['episode']}|recovered"
        self._tell(key, "recovered", channel, body, fingerprint, period, "recovered", None, state["message_key"])
        self.recovered += 1

    def _still_firing(
        self, fingerprint: Fingerprint, state: sqlite3.Row, finding: messages.Finding, channel: str
    ) -> None:
        breach = finding.breach
        if breach.period_start == state["period_start"] and breach.value == state["value"]:
            return
        self._db.execute(
            "update alert_state set period_start = ?, value = ?, threshold = ?, updated_at = ?"
            " where rule_id = ? and scope_type = ? and scope_id = ?",
            (
                breach.period_start, breach.value, breach.threshold, self.now.isoformat(), fingerprint.rule_id,
                fingerprint.scope_type, fingerprint.scope_id,
            ),
        )  # fmt: skip
        own = f"{fingerprint.key}|{state['episode']}"
        key = f"{own}|update|{self._run.run_id}"
        if state["message_key"] == own:  # a grouped message speaks for many and is not rewritten
            _queue(self._db, key, "update", channel, messages.firing(finding), self.now, own)
        record_event(self._db, key, "still_firing", self.now, fingerprint, breach.period_start, channel=channel)

    def _inhibited(self, fingerprint: Fingerprint, breach: Breach) -> None:
        known = self._db.execute(
            "select 1 from alert_event where event = 'inhibited' and rule_id = ? and scope_type = ? and scope_id = ?"
            " and period_start = ?",
            (fingerprint.rule_id, fingerprint.scope_type, fingerprint.scope_id, breach.period_start),
        ).fetchone()
        if not known:
            record_event(self._db, fingerprint.key, "inhibited", self.now, fingerprint, breach.period_start)
