"""From verdicts to messages, once."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestration.alerts import AlertCounts, alert_rows, evaluate, list_alerts, write_alert_journal
from orchestration.alerts.ops import opened
from orchestration.run_summary import RunSummary


def run(run_id: str, **more: Any) -> RunSummary:
    return RunSummary(run_id, more.pop("status", "published"), published_at="2026-01-03T00:00:00Z", **more)


def outbox(world: Any) -> list[tuple[str, str, str]]:
    with opened(world.ops) as db:
        rows = db.execute("select kind, channel, payload from outbox order by id").fetchall()
    return [(row["kind"], row["channel"], json.loads(row["payload"])["text"]) for row in rows]


def test_a_breach_opens_once_and_its_end_is_a_reply(world: Any, publish: Any) -> None:
    publish(("us", "2026-01-01", 0.05, "clear"), ("us", "2026-01-02", 0.12, "breach"))
    assert evaluate(world.ops, world.published, world.company, run("a")) == AlertCounts(1, 0)
    assert evaluate(world.ops, world.published, world.company, run("b")) == AlertCounts(0, 0)
    assert [row["scope_id"] for row in list_alerts(world.ops) if row["state"] == "firing"] == ["us"]
    publish(("us", "2026-01-02", 0.12, "breach"), ("us", "2026-01-03", 0.02, "clear"))
    assert evaluate(world.ops, world.published, world.company, run("c")) == AlertCounts(0, 1)
    assert outbox(world) == [
        ("firing", "default", "Refund rate · store us · 2026-01-02: 12.0 % (above 8.0 %)"),
        (
            "recovered",
            "default",
            "Recovered: Refund rate · store us is 2.0 % on 2026-01-03, after a breach since 2026-01-02",
        ),
    ]  # fmt: skip


def test_the_same_run_evaluated_again_changes_nothing(world: Any, publish: Any) -> None:
    publish(("us", "2026-01-02", 0.12, "breach"))
    first = evaluate(world.ops, world.published, world.company, run("a"))
    before = alert_rows(world.ops)
    assert evaluate(world.ops, world.published, world.company, run("a")) == first
    assert alert_rows(world.ops) == before and len(outbox(world)) == 1


def test_a_crash_inside_an_evaluation_leaves_nothing_and_the_next_one_does_it_all(
    world: Any, publish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(("us", "2026-01-02", 0.12, "breach"))
    from orchestration.alerts import evaluate as _  # noqa: F401

    module = sys.modules["orchestration.alerts.states"]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):

        def die(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr(module, "record_event", die)
        evaluate(world.ops, world.published, world.company, run("a"))
    assert outbox(world) == [] and list_alerts(world.ops) == []
    assert evaluate(world.ops, world.published, world.company, run("a")) == AlertCounts(1, 0)
    assert len(outbox(world)) == 1


def test_a_value_that_moves_while_firing_rewrites_the_message(world: Any, publish: Any) -> None:
    publish(("us", "2026-01-02", 0.12, "breach"))
    evaluate(world.ops, world.published, world.company, run("a"))
    publish(("us", "2026-01-03", 0.15, "breach"))
    assert evaluate(world.ops, world.published, world.company, run("b")) == AlertCounts(0, 0)
    assert [row[0] for row in outbox(world)] == ["firing", "update"]


def test_an_inhibited_period_keeps_the_state_and_says_nothing(world: Any, publish: Any) -> None:
    publish(("us", "2026-01-02", 0.12, "breach"))
    evaluate(world.ops, world.published, world.company, run("a"))
    publish(("us", "2026-01-03", 0.01, "inhibited"))
    assert evaluate(world.ops, world.published, world.company, run("b")) == AlertCounts(0, 0)
    assert list_alerts(world.ops)[0]["state"] == "firing"
    assert alert_rows(world.ops)[-1]["event"] == "inhibited" and len(outbox(world)) == 1


def test_days_that_a_source_always_tells_late_do_not_hide_the_breach_before_them(world: Any, publish: Any) -> None:
    late = [("us", f"2026-01-0{day}", None, "inhibited") for day in (4, 5)]
    publish(("us", "2026-01-02", 0.05, "clear"), ("us", "2026-01-03", 0.12, "breach"), *late)
    assert evaluate(world.ops, world.published, world.company, run("a")) == AlertCounts(1, 0)
    assert evaluate(world.ops, world.published, world.company, run("b")) == AlertCounts(0, 0)
    assert [row[0] for row in outbox(world)] == ["firing"]


def test_a_breach_older_than_any_source_may_be_late_is_not_news(world: Any, publish: Any) -> None:
    late = [("us", f"2026-01-0{day}", None, "inhibited") for day in (4, 5, 6)]
    publish(("us", "2026-01-03", 0.12, "breach"), *late)
    assert evaluate(world.ops, world.published, world.company, run("a")) == AlertCounts(0, 0)


def test_many_breaches_at_once_are_one_message(world: Any, publish: Any) -> None:
    publish(*((f"shop_{n}", "2026-01-02", 0.12, "breach") for n in range(12)))
    assert evaluate(world.ops, world.published, world.company, run("a")) == AlertCounts(12, 0)
    assert [row[2] for row in outbox(world)] == ["12 alerts began at once"]


def test_failed_sources_and_held_stores_tell_without_any_rule(world: Any) -> None:
    from ingestion.company import load_company

    path = world.company.root / "company.yml"
    path.write_text(path.read_text().replace("sources: []", "sources: [{id: us_sp, system: fx}]"))
    company = load_company(path.parent)
    broken = run(
        "a", status="held",
        sources=[{"source_id": "us_sp", "rows_landed": 0, "error": "token <revoked>"}],
        held={"us": {"since": "2026-01-02T00:00:00+00:00", "check": "fail_counts"}},
    )  # fmt: skip
    assert evaluate(world.ops, world.published, company, broken) == AlertCounts(2, 0)
    assert evaluate(world.ops, world.published, company, run("b", sources=[])) == AlertCounts(0, 1)
    well = run("c", sources=[{"source_id": "us_sp", "rows_landed": 1, "error": None}])
    assert evaluate(world.ops, world.published, company, well) == AlertCounts(0, 1)
    assert outbox(world) == [
        ("data", "data", "Source us_sp failed; the others went on: token &lt;revoked&gt;"),
        ("data", "data", "Store us is held back; its last good numbers stay published: fail_counts"),
        ("recovered", "data", "Store us is published again"),
        ("recovered", "data", "Source us_sp works again"),
    ]


def test_a_failed_build_tells_once_and_again_when_it_works(world: Any) -> None:
    failed = RunSummary("a", "failed", errors=["build_core: stg_x does not compile"])
    assert evaluate(world.ops, world.published, world.company, failed) == AlertCounts(1, 0)
    assert evaluate(world.ops, world.published, world.company, run("b")) == AlertCounts(0, 1)


def test_the_message_says_what_where_how_much_and_what_to_do(world: Any, publish: Any) -> None:
    publish(("us", "2026-01-01", 0.05, "clear"), ("us", "2026-01-02", 0.12, "breach"))
    evaluate(world.ops, world.published, world.company, run("a"))
    with opened(world.ops) as db:
        body = json.loads(db.execute("select payload from outbox").fetchone()[0])
    assert [block["text"]["text"] for block in body["blocks"]] == [
        ":rotating_light: *Refund rate · store us · 2026-01-02: 12.0 % (above 8.0 %)*",
        "Trend: 5.0 % → 12.0 %\nSince: 2026-01-02\n"
        'Look further: `kpi query refund_rate --grain day --to 2026-01-02 --where "store_id = us"`',
    ]


def test_the_journal_for_the_build_has_the_columns_of_audit_alert(world: Any, publish: Any, tmp_path: Path) -> None:
    publish(("us", "2026-01-02", 0.12, "breach"))
    evaluate(world.ops, world.published, world.company, run("a"))
    lines = write_alert_journal(world.ops, tmp_path / "state").read_text().splitlines()
    assert list(json.loads(lines[0])) == [
        "alert_key", "rule_id", "metric", "scope_type", "scope_id", "period_start", "event", "at", "channel",
        "slack_ts",
    ]  # fmt: skip


def test_a_source_past_its_promise_tells_where_a_rule_asks_for_it(world: Any, publish: Any) -> None:
    import duckdb

    from ingestion.company import load_company

    root = world.company.root
    (root / "alerts.yml").write_text("rules: [{id: old_data, condition: stale, channel: data}]\n")
    text = (root / "company.yml").read_text()
    (root / "company.yml").write_text(text.replace("sources: []", "sources: [{id: rates, system: fx}]"))
    publish()
    with duckdb.connect(str(world.published)) as db:
        db.execute("create schema audit")
        db.execute(
            "create table audit.freshness as select 'rates' as source_id, date '2026-01-01' as newest_day,"
            " 48 as sla_hours, 'late' as verdict"
        )
    company = load_company(root)
    assert evaluate(world.ops, world.published, company, run("a")) == AlertCounts(1, 0)
    assert outbox(world) == [("data", "data", "Source rates is stale: newest day 2026-01-01, allowed 48 hours")]


def test_a_drop_says_the_share_where_the_verdict_has_no_level() -> None:
    from orchestration.alerts import messages
    from orchestration.alerts.published import Breach, Context, Metric

    for threshold, says in ((0.3, "下降超过 30.0 %"), (700.0, "允许的 USD 700.00")):
        breach = Breach("gmv_fell", "gmv", "store", "us", "2026-01-02", 500.0, threshold, "critical", "breach")
        finding = messages.Finding(
            breach, Metric("GMV", "商品交易总额", "currency"), "drop", "day", "2026-01-02", None,
            Context(currency="USD"), ["zh", "en"], 0.3,
        )  # fmt: skip
        assert says in messages.firing(finding)["text"]


def test_an_alert_whose_rule_is_gone_ends_without_a_message(world: Any, publish: Any) -> None:
    from ingestion.company import load_company

    publish(("us", "2026-01-02", 0.12, "breach"))
    evaluate(world.ops, world.published, world.company, run("a"))
    (world.company.root / "alerts.yml").write_text("rules: []\n")
    assert evaluate(world.ops, world.published, load_company(world.company.root), run("b")) == AlertCounts(0, 0)
    assert list_alerts(world.ops)[0]["state"] == "message pending" and len(outbox(world)) == 1
    assert [row["event"] for row in alert_rows(world.ops)] == ["firing", "retired"]


@pytest.mark.parametrize(
    ("event", "chinese", "english"),
    [
        ("source_failed", "数据源 x 失败，其余数据源不受影响", "Source x failed; the others went on"),
        (
            "held",
            "店铺 x 的数据未发布，沿用上次的可信数据",
            "Store x is held back; its last good numbers stay published",
        ),
        ("stale", "数据源 x 数据过期", "Source x is stale"),
        ("run_failed_recovered", "x 运行已恢复", "The run of x works again"),
    ],
)
def test_a_message_about_data_speaks_the_companys_languages_in_their_order(
    event: str, chinese: str, english: str
) -> None:
    from orchestration.alerts import messages

    for languages, headline in ((["zh", "en"], f"{chinese} / {english}"), (["en"], english)):
        body = messages.data(event, "x", "", "2026-01-02 06:00 UTC", languages)
        assert body["text"] == headline
    assert "2026-01-02 06:00 UTC" in body["blocks"][1]["text"]["text"]
