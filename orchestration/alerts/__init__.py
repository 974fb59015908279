"""Who hears when a number goes wrong: state machine, outbox and delivery to Slack."""

from orchestration.alerts.dispatch import dispatch, send_test
from orchestration.alerts.evaluate import AlertCounts, evaluate
from orchestration.alerts.reports import alert_rows, history, list_alerts, write_alert_journal

__all__ = [
    "AlertCounts",
    "alert_rows",
    "dispatch",
    "evaluate",
    "history",
    "list_alerts",
    "send_test",
    "write_alert_journal",
]
