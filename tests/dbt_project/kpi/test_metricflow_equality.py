"""MetricFlow and the KPI tables read the same definitions: a company built from files, asked both ways."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.company import load_company
from ingestion.landing import LandOptions, land_all
from orchestration.warehouse import dbt_arguments, dbt_environment

COMPANY = """
name: Equal
reporting_currency: GBP
stores:
  - {id: uk_shop, platform: own_site, region: EU, currency: GBP, timezone: Europe/London, opened_on: 2011-01-03}
sources:
  - {id: uk_orders, system: files, store: uk_shop, mapping: online_retail}
"""
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
LINES = {
    "2011-01-03": [("1", "A", 3, "2.55"), ("1", "B", 1, "10.00"), ("2", "A", 2, "2.55")],
    "2011-01-04": [("3", "A", 5, "2.55"), ("C4", "B", -1, "10.00")],
    "2011-01-05": [("5", "X", 4, "1.10"), ("5", "A", 1, "2.50"), ("6", "B", 2, "9.99")],
}
PRODUCTS = """sku,product_id,name,category,cost,first_leg,currency,effective_from
A,A,Anchor,metal,1.0000,0.2500,GBP,2010-01-01
B,B,Bell,metal,4.0000,0.5000,GBP,2010-01-01
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("equal")
    inbox = root / "inbox" / "uk_orders"
    inbox.mkdir(parents=True)
    (root / "reference").mkdir()
    (root / "company.yml").write_text(COMPANY)
    (root / "reference" / "products.csv").write_text(PRODUCTS)
    for day, lines in LINES.items():
        rows = (f"{no},{sku},{sku},{quantity},{day} 09:30:00,{price},1,UK\n" for no, sku, quantity, price in lines)
        (inbox / f"{day}.csv").write_text(HEADER + "".join(rows))
    company = load_company(root)
    now = datetime.now(UTC)
    options = LandOptions(run_id="r1", date_from=None, date_to=None, as_of=date(2011, 1, 6), now=now, resources=None)
    results = land_all(company, list(company.sources), options, lambda result: None)
    assert [result.error for result in results if result.error] == []
    run = root / "data" / "state" / "run"
    run.mkdir(parents=True, exist_ok=True)
    context = {"run_id": "r1", "started_at": now.isoformat(), "as_of": "2011-01-06", "full_refresh": False}
    (run / "context.jsonl").write_text(json.dumps(context) + "\n")
    return root


def _dbt(root: Path, *command: str) -> None:
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner().invoke([*command, *dbt_arguments(root / "target", root / "logs"), "--quiet"])
    assert outcome.success, outcome.exception


def _ask_metricflow(root: Path, metrics: list[str]) -> dict[tuple[date, str], dict[str, Any]]:
    from dbt.adapters.factory import get_adapter_by_type
    from dbt_metricflow.cli.dbt_connectors.adapter_backed_client import AdapterBackedSqlClient
    from dbt_metricflow.cli.dbt_connectors.dbt_config_accessor import parse_manifest_from_dbt_generated_manifest
    from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    text = (root / "target" / "semantic_manifest.json").read_text()
    manifest = parse_manifest_from_dbt_generated_manifest(manifest_json_string=text)
    engine = MetricFlowEngine(
        semantic_manifest_lookup=SemanticManifestLookup(manifest),
        sql_client=AdapterBackedSqlClient(get_adapter_by_type("duckdb")),
    )
    request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=["store", "metric_time__day"])
    frame = engine.query(request).result_df
    assert frame is not None
    answers: dict[tuple[date, str], dict[str, Any]] = {}
    for row in frame.rows:
        values = dict(zip(frame.column_names, row, strict=True))
        answers[values.pop("metric_time__day").date(), values.pop("store")] = values
    return answers


def test_metricflow_and_kpi_values_agree_per_store_and_day_on_what_a_file_shop_knows(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in dbt_environment(built).items():
        monkeypatch.setenv(name, value)
    _dbt(built, "build", "--exclude-resource-type", "unit_test")
    with duckdb.connect(str(built / "data" / "warehouse.duckdb")) as warehouse:
        rows = warehouse.execute(
            "select metric, period_start, scope_id, value from kpi.kpi_values "
            "where grain = 'day' and scope_type = 'store' and status <> 'stale'"
        ).fetchall()
    # Nobody configured ads here: the KPI tables say unknown, MetricFlow, which knows no coverage, says zero.
    assert all(row[3] is None for row in rows if row[0] == "tacos")
    rows = [row for row in rows if row[0] != "tacos"]
    metrics = sorted({row[0] for row in rows})
    assert {"gmv", "net_sales", "orders", "units", "aov", "refund_rate", "cancel_rate", "gross_margin"} <= set(metrics)
    answers = _ask_metricflow(built, metrics)
    told = {(metric, day, store): value for metric, day, store, value in rows}
    asked = {key: answers[key[1], key[2]][key[0]] for key in told}
    assert told == {key: None if value is None else pytest.approx(float(value)) for key, value in asked.items()}
    assert told["cogs", date(2011, 1, 3), "uk_shop"] == pytest.approx(9.0)
    assert told["gross_profit", date(2011, 1, 5), "uk_shop"] is None
