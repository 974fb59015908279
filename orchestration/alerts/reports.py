"""What `kpi alerts` and `audit.alert` show of the operations file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from orchestration.alerts.ops import opened

AUDIT_COLUMNS = (
    "alert_key", "rule_id", "metric", "scope_type", "scope_id", "period_start", "event", "at", "channel", "slack_ts",
)  # fmt: skip


def _rows(ops: Path, sql: str, *values: Any) -> list[dict[str, Any]]:
    if not ops.exists():
        return []
    with opened(ops) as connection:
        return [dict(row) for row in connection.execute(sql, values)]


def list_alerts(ops: Path) -> list[dict[str, Any]]:
    """Alerts that are firing, the newest first, then messages that wait or could not be delivered."""
    firing = _rows(
        ops,
        "select rule_id, metric, scope_type, scope_id, state, since, period_start, value, threshold from alert_state"
        " where state = 'firing' order by since desc, rule_id, scope_id",
    )
    return firing + _rows(
        ops,
        "select alert_key, kind, channel, 'message ' || status as state, attempts, error, created_at from outbox"
        " where status <> 'sent' order by id",
    )


def history(ops: Path, limit: int = 50) -> list[dict[str, Any]]:
    """The newest `limit` events: changes of state, suppressions, deliveries."""
    columns = ", ".join(("at", "event", *(c for c in AUDIT_COLUMNS if c not in ("at", "event")), "detail"))
    return _rows(ops, f"select {columns} from alert_event order by id desc limit ?", limit)


def alert_rows(ops: Path) -> list[dict[str, Any]]:
    """Every event with the columns of `audit.alert`, the oldest first."""
    return _rows(ops, f"select {', '.join(AUDIT_COLUMNS)} from alert_event order by id")


def write_alert_journal(ops: Path, state_dir: Path) -> Path:
    """Write `alert_rows` to `<state_dir>/run/alerts.jsonl` for the build, which so knows all up to the run before."""
    path = state_dir / "run" / "alerts.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in alert_rows(ops))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return path
