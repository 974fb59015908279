"""MetricFlow and the KPI tables read the same definitions: a company built from files, asked both ways."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ingestion.company import load_company
from ingestion.landing import LandOptions, land_all
from orchestration.warehouse import dbt_environment
from tests.dbt_project.kpi import both_readers

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


def test_metricflow_and_kpi_values_agree_per_store_and_day_on_what_a_file_shop_knows(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in dbt_environment(built).items():
        monkeypatch.setenv(name, value)
    both_readers.dbt(built, "build", "--exclude-resource-type", "unit_test")
    told = both_readers.published(built, "day")
    # Nobody configured ads here: the KPI tables say unknown, MetricFlow, which knows no coverage, says zero.
    assert all(value is None for (metric, _, _), value in told.items() if metric == "tacos")
    told = {key: value for key, value in told.items() if key[0] != "tacos"}
    metrics = {metric for metric, _, _ in told}
    assert {"gmv", "net_sales", "orders", "units", "aov", "refund_rate", "cancel_rate", "gross_margin"} <= metrics
    both_readers.assert_equal(told, both_readers.ask(built, metrics, "day"))
    assert told["cogs", date(2011, 1, 3), "uk_shop"] == pytest.approx(9.0)
    assert told["gross_profit", date(2011, 1, 5), "uk_shop"] is None
