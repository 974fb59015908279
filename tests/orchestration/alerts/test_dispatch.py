"""Nothing lost, nothing doubled, whatever Slack or the process does."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from typing import Any

import pytest

from orchestration.alerts import dispatch, list_alerts, send_test
from orchestration.alerts.ops import opened


def put(world: Any, *keys: str, channel: str = "default", kind: str = "firing", parent: str | None = None) -> None:
    body = json.dumps({"text": "t", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "t"}}]})
    with opened(world.ops) as db:
        for key in keys:
            db.execute(
                "insert into outbox (alert_key, parent_key, kind, channel, payload, status, created_at)"
                " values (?, ?, ?, ?, ?, 'pending', '')", (key, parent, kind, channel, body),
            )  # fmt: skip


def statuses(world: Any) -> list[str]:
    with opened(world.ops) as db:
        return [row[0] for row in db.execute("select status from outbox order by id")]


def test_messages_of_a_channel_keep_their_order_and_a_second_between_them(world: Any, slack: Any, clock: Any) -> None:
    put(world, "a", "b", "c")
    assert dispatch(world.ops, world.company, slack.env, clock) == 3
    assert slack.keys == ["a", "b", "c"] and clock.slept == [1.0, 1.0]
    assert dispatch(world.ops, world.company, slack.env, clock) == 0 and len(slack.keys) == 3


def test_a_rate_limit_is_waited_out_as_slack_says(world: Any, slack: Any, clock: Any) -> None:
    slack.plan = ["429"]
    put(world, "a")
    assert dispatch(world.ops, world.company, slack.env, clock) == 1
    assert clock.slept == [7.0] and slack.keys == ["a"]


@pytest.mark.parametrize("trouble", ["500", "reset", "accept_then_500", "accept_then_reset", "accept_then_close"])
def test_an_unclear_post_is_looked_up_and_ends_as_one_message(world: Any, slack: Any, clock: Any, trouble: str) -> None:
    slack.plan = ["ok", "ok", "ok", trouble]
    put(world, "a", "b", "c", "unclear", "e")
    assert dispatch(world.ops, world.company, slack.env, clock) == 5
    assert slack.keys == ["a", "b", "c", "unclear", "e"]
    assert statuses(world) == ["sent"] * 5


def _send_and_die(ops: Any, root: Any, env: dict[str, str]) -> None:
    from ingestion.company import load_company
    from orchestration.alerts.dispatch import _Dispatcher

    _Dispatcher._settle = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign,assignment]
    dispatch(ops, load_company(root), env)


def test_a_process_killed_between_post_and_mark_neither_loses_nor_doubles(world: Any, slack: Any, clock: Any) -> None:
    put(world, "a")
    child = multiprocessing.get_context("spawn").Process(
        target=_send_and_die, args=(world.ops, world.company.root, slack.env)
    )
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL and slack.keys == ["a"] and statuses(world) == ["sending"]
    assert dispatch(world.ops, world.company, slack.env, clock) == 1
    assert slack.keys == ["a"] and statuses(world) == ["sent"]


def test_a_process_killed_before_its_post_is_made_good(world: Any, slack: Any, clock: Any) -> None:
    put(world, "a")
    with opened(world.ops) as db:
        db.execute("update outbox set status = 'sending', claimed_at = ?", (clock.time,))
    assert dispatch(world.ops, world.company, slack.env, clock) == 1
    assert slack.keys == ["a"]


def test_two_dispatchers_at_once_send_each_message_once(world: Any, slack: Any, clock: Any) -> None:
    keys = [f"k{n}" for n in range(12)]
    put(world, *keys)
    threads = [
        threading.Thread(target=dispatch, args=(world.ops, world.company, slack.env, type(clock)())) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert slack.keys == keys


def test_replies_go_to_the_thread_and_updates_rewrite_the_first_message(world: Any, slack: Any, clock: Any) -> None:
    put(world, "a")
    put(world, "a|update", kind="update", parent="a")
    put(world, "a|recovered", kind="recovered", parent="a")
    slack.plan = ["ok", "accept_then_reset"]
    assert dispatch(world.ops, world.company, slack.env, clock) == 3
    assert [m.get("thread_ts") for m in slack.messages] == [None, "1.000000"]
    assert [u["ts"] for u in slack.updates] == ["1.000000"]


@pytest.mark.parametrize("error", ["invalid_auth", "channel_not_found"])
def test_a_refusal_is_reported_and_the_message_waits(
    world: Any, slack: Any, clock: Any, caplog: pytest.LogCaptureFixture, error: str
) -> None:
    slack.plan = [error]
    put(world, "a")
    assert dispatch(world.ops, world.company, slack.env, clock) == 0
    assert error in caplog.text and statuses(world) == ["pending"]
    assert dispatch(world.ops, world.company, slack.env, clock) == 1 and slack.keys == ["a"]


def test_a_refused_channel_leaves_the_other_one_alone(world: Any, slack: Any, clock: Any) -> None:
    slack.plan = ["channel_not_found"]
    put(world, "a", "b")
    put(world, "c", channel="data")
    assert dispatch(world.ops, world.company, slack.env, clock) == 1
    assert slack.keys == ["c"]


def test_without_slack_everything_stays_in_the_outbox(world: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world, "a")
    assert dispatch(world.ops, world.company, {}, clock) == 0
    assert statuses(world) == ["pending"] and len(list_alerts(world.ops)) == 1
    lines, arrived = send_test(world.company, {})
    assert "SLACK_BOT_TOKEN" in lines[0] and not arrived


def test_an_unclear_webhook_post_is_reported_and_not_repeated(
    world: Any, slack: Any, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    slack.plan = ["accept_then_close"]
    env = {"SLACK_WEBHOOK_URL": f"{slack.url}/webhook"}
    put(world, "a", "b")
    assert dispatch(world.ops, world.company, env, clock) == 1
    assert len(slack.messages) == 2 and statuses(world) == ["dead", "sent"]
    assert "unconfirmed" in caplog.text


def test_a_test_message_goes_to_each_channel(world: Any, slack: Any) -> None:
    assert send_test(world.company, slack.env) == (["default #kpi: sent", "data #d: sent"], True)
    assert [m["channel"] for m in slack.messages] == ["C1", "C2"]
