"""The metrics say what was promised of them, and no formula changes unnoticed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dbt_project.lake import PROJECT, Lake

SEMANTIC = PROJECT / "models" / "semantic"
META = {
    "name_zh", "name_en", "unit", "direction", "kind", "time_basis", "currency_policy", "null_policy", "owner",
    "version", "effective_from", "review_by",
}  # fmt: skip
# What people were told of each metric: name, unit, which way is good, kind.
PROMISED = """
gmv                  商品交易总额     currency  up    outcome
net_sales            净销售额         currency  up    outcome
orders               订单量           count     up    outcome
units                销量             count     up    outcome
aov                  客单价           currency  up    outcome
gross_profit         毛利             currency  up    outcome
gross_margin         毛利率           ratio     up    outcome
contribution_profit  贡献利润         currency  up    outcome
contribution_margin  贡献利润率       ratio     up    outcome
ctr                  点击率           ratio     up    process
cpc                  单次点击成本     currency  down  process
roas                 广告支出回报     ratio     up    outcome
acos                 广告成本销售比   ratio     down  outcome
tacos                总广告成本占比   ratio     down  outcome
refund_rate          退款率           ratio     down  risk
cancel_rate          取消率           ratio     down  risk
days_of_cover        可售天数         days      band  process
stockout_rate        缺货率           ratio     down  risk
"""
COMPONENTS = {
    "discounts", "refunds", "refunded_orders", "cancelled_orders", "impressions", "clicks", "ad_spend", "ad_sales",
    "ad_orders", "platform_fees", "fulfilment_fees", "storage_fees", "payment_fees", "other_fees", "reimbursements",
    "shipping_income", "cogs", "first_leg", "on_hand_units", "sellable_units", "in_stock_sku_days", "listed_sku_days",
    "demand_30d",
}  # fmt: skip


def metrics() -> dict[str, dict[str, Any]]:
    """Every declared metric by its name."""
    declared: dict[str, dict[str, Any]] = {}
    for path in sorted(SEMANTIC.glob("*.yml")):
        for metric in yaml.safe_load(path.read_text(encoding="utf-8")).get("metrics", []):
            assert metric["name"] not in declared, f"{metric['name']} is declared twice"
            declared[metric["name"]] = metric
    return declared


def test_metrics_have_the_promised_name_unit_direction_and_kind() -> None:
    promised = {line.split()[0]: line.split()[1:] for line in PROMISED.strip().splitlines()}
    declared = {name: metric["config"]["meta"] for name, metric in metrics().items()}
    assert {
        name: [declared[name][key] for key in ("name_zh", "unit", "direction", "kind")] for name in promised
    } == promised


def test_metrics_that_people_read_are_the_promised_ones_and_their_components() -> None:
    public = {name for name, metric in metrics().items() if not metric["config"]["meta"].get("internal")}
    assert public == {line.split()[0] for line in PROMISED.strip().splitlines()} | COMPONENTS


def test_every_metric_says_all_about_itself_in_words_of_its_own() -> None:
    for name, metric in metrics().items():
        meta = metric["config"]["meta"]
        assert META - {key for key, value in meta.items() if value} == set(), name
        assert meta["name_en"] == metric["label"], name
        assert metric["description"].strip(". ").lower() not in (name, metric["label"].lower()), name
        assert meta["unit"] in ("currency", "ratio", "days", "count", "hours"), name
        assert meta["null_policy"] in ("propagate", "partial"), name
        assert meta["currency_policy"] in ("daily_rate", "none"), name


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the dbt project, over an empty lake."""
    copy = tmp_path / "dbt_project"
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns("target", "logs"))
    for name, value in {"LAKE": "lake", "STATE": "state", "PUBLISHED": "none.duckdb", "WAREHOUSE": "w.duckdb"}.items():
        monkeypatch.setenv(f"KPI_{name}", str(tmp_path / value))
    yield copy


def dbt(project: Path, *command: str) -> Any:
    """One dbt call over a copy of the project."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner().invoke([
        *command, "--quiet", "--project-dir", str(project), "--profiles-dir", str(project),
        "--target-path", str(project.parent / "target"), "--log-path", str(project.parent / "logs"),
    ])  # fmt: skip
    DuckDBConnectionManager.close_all_connections()
    return outcome


def judge(project: Path) -> list[str]:
    """What is wrong with the definitions, as the build would say it."""
    outcome = dbt(project, "build", "--select", "+audit_metric_definition+", "audit_definition_change")
    return [result.message for result in outcome.result if result.status in ("error", "fail")]


def redefine(project: Path, before: str, after: str) -> None:
    """Change the one place of the metric files that reads `before`."""
    [path] = [path for path in project.glob("models/semantic/*.yml") if before in path.read_text(encoding="utf-8")]
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")


@pytest.mark.slow
def test_changed_formula_fails_the_build_until_its_new_version_is_on_record(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    redefine(
        project, "{numerator: clicks, denominator: impressions}", "{numerator: ad_orders, denominator: impressions}"
    )
    [message] = judge(project)
    assert "ctr (models/semantic/metrics_ads.yml): the formula changed and the version is still 1" in message
    assert "record_definitions" in message
    assert message.count("models/semantic") == 1  # no other metric is accused

    ctr = (project / "models/semantic/metrics_ads.yml").read_text(encoding="utf-8").split("name: ctr")[1]
    version_1 = ctr[: ctr.index("effective_from")]
    redefine(project, version_1, version_1.replace("version: 1", "version: 2"))
    [message] = judge(project)
    assert "version 2 is not on record" in message

    capsys.readouterr()
    who = "{by: mei, reason: 'Orders, not clicks'}"
    assert dbt(project, "run-operation", "record_definitions", "--args", who).success
    printed = capsys.readouterr().out
    with (project / "seeds" / "definition_history.csv").open("a", encoding="utf-8") as history:
        history.write(printed)
    assert judge(project) == []
    lake = Lake(project.parent)
    lake.warehouse = project.parent / "w.duckdb"
    assert lake.rows(
        "SELECT version, changed_by, reason, formula_from, formula_to FROM audit.definition_change "
        "WHERE metric = 'ctr' ORDER BY version DESC LIMIT 1"
    ) == [(
        2, "mei", "Orders, not clicks",
        "cast(sum(fct_ad_daily: clicks) as double) / nullif(sum(fct_ad_daily: impressions), 0)",
        "cast(sum(fct_ad_daily: ad_orders) as double) / nullif(sum(fct_ad_daily: impressions), 0)",
    )]  # fmt: skip


@pytest.mark.slow
def test_changed_column_of_a_measure_is_a_changed_formula_of_every_metric_over_it(project: Path) -> None:
    redefine(project, 'expr: "impressions"', 'expr: "impressions + 0"')
    [message] = judge(project)
    assert "ctr (" in message and "impressions (" in message and "cpc (" not in message
