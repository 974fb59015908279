"""Verdicts per store, from a small warehouse written by hand."""

from __future__ import annotations

from pathlib import Path

import duckdb

from expectations import Verdict, held_stores, run_checks
from expectations.pages import prune
from expectations.suites import all_suites


def _judge(warehouse: Path, *statements: str, run_id: str = "r1") -> list[Verdict]:
    with duckdb.connect(str(warehouse)) as connection:
        for statement in statements:
            connection.execute(statement)
    return run_checks(warehouse, warehouse.parent / "quality", run_id)


def _unhappy(verdicts: list[Verdict]) -> set[tuple[str, str | None]]:
    return {(v.check, v.store_id) for v in verdicts if not v.passed}


def test_a_sound_warehouse_holds_nobody_and_writes_the_pages(warehouse: Path) -> None:
    verdicts = _judge(warehouse)
    assert held_stores(verdicts, ["us", "jp"]) == {}
    assert _unhappy(verdicts) == {("warn_exchange_rate_present", "jp")}
    assert all(v.check.startswith(f"{v.severity}_") for v in verdicts)
    page = (warehouse.parent / "quality" / "index.html").read_text(encoding="utf-8")
    assert "0 failed" in page and "warn_exchange_rate_present" in page
    assert (warehouse.parent / "quality" / "docs" / "index.html").exists()


def test_a_difference_holds_its_own_store_even_if_the_control_says_pass(warehouse: Path) -> None:
    verdicts = _judge(warehouse, "UPDATE audit.reconciliation SET difference = -0.02 WHERE store_id = 'jp'")
    assert held_stores(verdicts, ["us", "jp"]) == {"jp": ["fail_rows_landed"]}


def test_a_failure_that_no_store_owns_holds_all(warehouse: Path) -> None:
    verdicts = _judge(warehouse, "UPDATE audit.reconciliation SET difference = 1, store_id = NULL")
    assert held_stores(verdicts, ["us", "jp"]) == {"us": ["fail_rows_landed"], "jp": ["fail_rows_landed"]}


def test_stale_missing_and_lagging_sources_warn_and_hold_nobody(warehouse: Path) -> None:
    verdicts = _judge(
        warehouse,
        "UPDATE audit.freshness SET newest_day = '2025-06-01' WHERE store_id = 'us'",
        "INSERT INTO audit.freshness VALUES ('us_ads', 'us', '2025-06-09', now(), 48, 'pass'),"
        " ('jp_ads', 'jp', NULL, NULL, 48, 'warn')",
        "INSERT INTO audit.load VALUES ('r1', 'jp_sp', 0, 0, now(), 'failed'), ('r1', 'us_ads', 1, 9, now(), 'landed')",
    )
    assert held_stores(verdicts, ["us", "jp"]) == {}
    assert _unhappy(verdicts) >= {
        ("warn_source_within_sla", "us"),
        ("warn_sources_of_a_store_in_step", "us"),
        ("warn_source_delivered_something", "jp"),
        ("warn_every_resource_landed", "jp"),
        ("warn_few_rows_quarantined", "us"),
    }


def test_impossible_numbers_hold_their_store(warehouse: Path) -> None:
    verdicts = _judge(
        warehouse,
        "INSERT INTO core.fct_order_line VALUES ('us', current_date + 5, true, -1, '?', 1, 1)",
        "UPDATE core.fct_inventory_daily SET on_hand_units = -1 WHERE store_id = 'jp'",
    )
    held = held_stores(verdicts, ["us", "jp"])
    assert set(held["us"]) == {
        "fail_sold_quantity_not_negative",
        "fail_no_order_from_the_future",
        "fail_currency_known",
    }
    assert held["jp"] == ["fail_stock_not_negative"]


def test_a_model_that_cannot_be_read_holds_all_and_says_which(warehouse: Path) -> None:
    verdicts = _judge(warehouse, "DROP TABLE core.fct_ad_daily")
    assert held_stores(verdicts, ["us"]) == {"us": ["fail_validity_can_be_measured"]}
    assert any("fct_ad_daily" in v.observed for v in verdicts if not v.passed)


def test_metric_past_its_review_warns_in_its_owners_name(warehouse: Path) -> None:
    verdicts = _judge(warehouse, "UPDATE audit.metric_definition SET review_by = '2025-06-09' WHERE metric = 'gmv'")
    assert held_stores(verdicts, ["us", "jp"]) == {}
    definitions = {v.check: v.passed for v in verdicts if "_reviews_" in v.check}
    assert definitions == {"warn_finance_reviews_gmv": False, "warn_operations_reviews_on_time": True}


def test_metric_without_an_owner_warns_and_one_with_an_unrecorded_formula_holds_all(warehouse: Path) -> None:
    verdicts = _judge(
        warehouse, "UPDATE audit.metric_definition SET owner = '', finding = 'the formula changed' WHERE metric = 'gmv'"
    )
    assert ("warn_every_metric_has_owner_unit_and_names", None) in _unhappy(verdicts)
    assert held_stores(verdicts, ["us"]) == {"us": ["fail_changed_formula_has_a_new_version"]}


def test_project_without_metrics_holds_all(warehouse: Path) -> None:
    verdicts = _judge(warehouse, "DELETE FROM audit.metric_definition")
    assert held_stores(verdicts, ["us"]) == {"us": ["fail_metrics_are_defined"]}


def test_only_the_newest_runs_keep_their_pages(tmp_path: Path) -> None:
    for run in ("r1", "r2", "r3"):
        (tmp_path / "validations" / "freshness" / run).mkdir(parents=True)
    prune(tmp_path, 2)
    assert sorted(p.name for p in (tmp_path / "validations" / "freshness").iterdir()) == ["r2", "r3"]


def test_every_suite_says_what_it_asks() -> None:
    assert [suite.name for suite in all_suites()] == ["completeness", "definitions", "freshness", "validity"]
    assert all(suite.asks.endswith("?") for suite in all_suites())
