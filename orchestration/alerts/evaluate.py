"""Judges a run, once: which alerts begin, go on or end, decided and written in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.alerts import messages
from orchestration.alerts.ops import Fingerprint, opened, transaction
from orchestration.alerts.published import Breach, Context, Metric, Published
from orchestration.alerts.states import States

if TYPE_CHECKING:
    from ingestion.company import AlertRule, Company
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
        states = States(connection, run.run_id, now())
        evaluation = _Evaluation(states, company, run)
        facts = _read(published, run)
        with transaction(connection):
            done = _counts(connection, run.run_id)
            if done:
                return done
            evaluation.retire()
            evaluation.data_alerts(facts.stale)
            evaluation.business_alerts(facts)
            connection.execute(
                "insert into evaluation values (?, ?, ?, ?)",
                (run.run_id, states.now.isoformat(), states.opened, states.recovered),
            )
        return AlertCounts(states.opened, states.recovered)


def _counts(connection: sqlite3.Connection, run_id: str) -> AlertCounts | None:
    row = connection.execute("select opened, recovered from evaluation where run_id = ?", (run_id,)).fetchone()
    return AlertCounts(row["opened"], row["recovered"]) if row else None


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


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


@dataclass(frozen=True)
class _Began:
    key: str
    fingerprint: Fingerprint
    finding: messages.Finding
    channel: str


class _Evaluation:
    """One pass over the verdicts of a run."""

    def __init__(self, states: States, company: Company, run: RunSummary) -> None:
        self._states, self._company, self._run = states, company, run

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

    def retire(self) -> None:
        """Alerts whose rule, source or store has left the configuration would otherwise fire for ever."""
        data = [rule for condition in ("source_failed", "held") for rule, _ in self._data_rules(condition, always=True)]
        rules = {rule.id for rule in self._company.alert_rules} | {*data, "run_failed"}
        places = {
            "source": {source.id for source in self._company.sources} | {"reference"},
            "store": {store.id for store in self._company.stores},
        }
        for fingerprint in self._states.firing():
            known = places.get(fingerprint.scope_type)
            if fingerprint.rule_id not in rules or (known is not None and fingerprint.scope_id not in known):
                self._states.retire(fingerprint)

    def _data_rules(self, condition: str, always: bool) -> list[tuple[str, str]]:
        rules = [(r.id, r.channel) for r in self._company.alert_rules if r.condition.name == condition]
        return rules or ([(condition, "data")] if always else [])

    def _data(self, fingerprint: Fingerprint, event: str, channel: str, why: str | None, since: str | None) -> None:
        state = self._states.of(fingerprint)
        firing = state is not None and state["state"] == "firing"
        where = self._company.name if fingerprint.scope_type == "company" else fingerprint.scope_id
        if why is not None and not firing:
            begun = datetime.fromisoformat(since) if since else self._states.now
            body = messages.data(event, where, why, _minute(begun), self._company.languages)
            key = self._states.fire(fingerprint, None, None, None, begun.isoformat())
            self._states.tell(key, "data", channel, body, fingerprint, None, why)
        elif why is None and firing and state is not None:
            begun = datetime.fromisoformat(state["since"])
            body = messages.data(f"{event}_recovered", where, "", _minute(begun), self._company.languages)
            self._states.recover(fingerprint, state, None, None, channel, body)

    def business_alerts(self, facts: _Facts) -> None:
        """Breaches of the rules of alerts.yml on the newest closed period of each scope."""
        rules = {rule.id: rule for rule in self._company.alert_rules}
        began: list[_Began] = []
        for breach in facts.breaches:
            rule = rules.get(breach.rule_id)
            fingerprint = Fingerprint(breach.rule_id, breach.scope_type, breach.scope_id, breach.metric)
            state = self._states.of(fingerprint)
            older = state is not None and state["period_start"] and breach.period_start < state["period_start"]
            if rule is None or older:
                continue  # a run about the past does not reopen what newer days have settled
            firing = state is not None and state["state"] == "firing"
            period, value, limit = breach.period_start, breach.value, breach.threshold
            if breach.state == "inhibited":
                self._states.inhibited(fingerprint, period)
                continue
            if breach.state == "clear" and not firing:
                continue
            since = str(state["since"]) if firing and state is not None else period
            finding = self._finding(rule, breach, facts, since)
            if breach.state == "clear" and state is not None:
                body = messages.recovered(finding)
                self._states.recover(fingerprint, state, period, value, rule.channel, body)
            elif firing and state is not None:
                body = messages.firing(finding)
                self._states.still_firing(fingerprint, state, period, value, limit, rule.channel, body)
            elif breach.state == "breach":
                key = self._states.fire(fingerprint, period, value, limit, since)
                began.append(_Began(key, fingerprint, finding, rule.channel))
        self._announce(began)

    def _finding(self, rule: AlertRule, breach: Breach, facts: _Facts, since: str) -> messages.Finding:
        drop = rule.condition.threshold if rule.condition.name == "drop" else None
        return messages.Finding(
            breach=breach,
            metric=facts.metrics.get(breach.metric, Metric(breach.metric, breach.metric, "")),
            condition=rule.condition.name,
            grain=rule.grain,
            since=since,
            owner=rule.owner,
            context=facts.context(breach, rule.grain),
            languages=self._company.languages,
            share=None if drop is None else float(drop),
        )

    def _announce(self, began: list[_Began]) -> None:
        """One message each, or one per channel when many began at once."""
        if len(began) <= GROUP_ABOVE:
            for one in began:
                body = messages.firing(one.finding)
                self._states.tell(
                    one.key, "firing", one.channel, body, one.fingerprint, one.finding.breach.period_start
                )
            return
        for channel in sorted({one.channel for one in began}):
            members = [one for one in began if one.channel == channel]
            body = messages.grouped([one.finding for one in members])
            listed = [(one.key, one.fingerprint, one.finding.breach.period_start) for one in members]
            self._states.tell_together(channel, body, listed)
