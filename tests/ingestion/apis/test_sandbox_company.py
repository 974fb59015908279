"""The real connectors over the sandbox company's HTTP: a storm of faults loses no row and doubles none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from ingestion import http
from ingestion.company import Company, load_company
from ingestion.landing import LandOptions, SourceResult, land_all
from ingestion.landing.lake import read_table
from ingestion.registry import connect

AS_OF = "2026-03-20"
TABLES = (
    ("amazon", "amazon_us_sp", "orders"), ("amazon", "amazon_us_sp", "order_items"),
    ("amazon", "amazon_us_sp", "transactions"), ("amazon", "amazon_jp_sp", "orders"),
    ("amazon", "amazon_jp_sp", "fba_inventory"), ("amazon_ads", "amazon_us_ads", "sp_advertised_product"),
    ("mabang", "mabang", "products"), ("mabang", "mabang", "stock"), ("fx", "fx", "rates"),
)  # fmt: skip
# Ids and times that a report is given by the hour of its making.
OWN = {"report_id", "_load_id", "_dlt_load_id", "_dlt_id"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A running sandbox (url) and its company folder; its credentials are in the environment."""
    folder = tmp_path_factory.mktemp("sandbox") / "company"
    arguments = ["--days", "40", "--orders-per-day", "12", "--as-of", AS_OF]
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", "--dir", str(folder), *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    os.environ.update(ready["env"])
    for name in ("AMAZON_US_SP", "AMAZON_JP_SP", "AMAZON_US_ADS", "AMAZON_JP_ADS"):
        os.environ[f"KPI_SOURCES__{name}__POLL_SECONDS"] = "0.001"
    yield ready["url"], folder
    process.kill()
    process.communicate()


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_exponential", lambda state: 0.0)


def landed(folder: Path) -> tuple[Company, list[SourceResult]]:
    company = load_company(folder)
    options = LandOptions("run", None, None, date.fromisoformat(AS_OF), datetime.now(UTC))
    return company, land_all(company, company.sources, options)


def content(company: Company) -> dict[tuple[str, str, str], Counter[str]]:
    found = {}
    for place in TABLES:
        table = read_table(company.lake, *place)
        assert table is not None, place
        rows = table.drop_columns([n for n in table.column_names if n in OWN]).to_pylist()
        found[place] = Counter(json.dumps(row, default=str, sort_keys=True) for row in rows)
    return found


@pytest.fixture(scope="module")
def quiet(
    served: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str, str], Counter[str]]:
    """What lands when nothing goes wrong."""
    folder = tmp_path_factory.mktemp("quiet") / "company"
    shutil.copytree(served[1], folder)
    company, results = landed(folder)
    assert [(r.source_id, r.error) for r in results if r.error] == []
    assert [w for r in results for resource in r.resources for w in resource.warnings] == []
    assert sum(r.rows_quarantined for r in results) == 0
    return content(company)


def plant(url: str, **fault: Any) -> None:
    requests.post(f"{url}/_control/faults", json=fault, timeout=10).raise_for_status()


def test_every_row_lands_once(quiet: dict[tuple[str, str, str], Counter[str]]) -> None:
    for place, rows in quiet.items():
        assert set(rows.values()) == {1}, place


def test_a_storm_of_faults_loses_no_row_and_doubles_none(
    served: tuple[str, Path], quiet: dict[tuple[str, str, str], Counter[str]], tmp_path: Path
) -> None:
    url, folder = served
    for api in ("/sp/us/orders", "/sp/us/finances", "/sp/jp/", "/ads/reporting", "/mabang", "/fx", "/lwa"):
        plant(url, kind="status", path=api, status=429, retry_after="0", times=2)
        plant(url, kind="status", path=api, status=503, retry_after="0")
        plant(url, kind="reset", path=api)
    plant(url, kind="reset_after", path="/ads/reporting/reports")
    for path in ("/documents/", "/ads/download/", "/sp/us/orders", "/sp/us/finances", "/mabang", "/fx"):
        plant(url, kind="truncate", path=path)
    shutil.copytree(folder, tmp_path / "company")
    company, results = landed(tmp_path / "company")
    assert [(r.source_id, r.error) for r in results if r.error] == []
    assert not any(f["times"] for f in requests.get(f"{url}/_control/faults", timeout=10).json())
    assert content(company) == quiet


def test_tokens_that_live_no_time_at_all_cost_patience_and_no_row(
    served: tuple[str, Path], quiet: dict[tuple[str, str, str], Counter[str]], tmp_path: Path
) -> None:
    url, folder = served
    shutil.copytree(folder, tmp_path / "company")
    company = load_company(tmp_path / "company")
    source = next(s for s in company.sources if s.id == "amazon_us_ads")
    connector = connect(company, source)
    connector.check()
    requests.post(f"{url}/_control/expire_tokens", json={}, timeout=10).raise_for_status()
    assert connector.check().startswith("amazon_us_ads: connected, profile ")


def test_each_connector_checks_itself_in_one_line(served: tuple[str, Path]) -> None:
    company = load_company(served[1])
    for source in company.sources:
        line = connect(company, source).check()
        assert line.startswith(f"{source.id}: connected")
        assert "\n" not in line


def test_a_store_that_lands_nothing_leaves_its_days_covered_and_the_others_alone(
    served: tuple[str, Path], tmp_path: Path
) -> None:
    url, folder = served
    shutil.copytree(folder, tmp_path / "company")
    plant(url, kind="empty", path="/sp/us/", times=10_000)
    try:
        company, results = landed(tmp_path / "company")
    finally:
        requests.delete(f"{url}/_control/faults", timeout=10).raise_for_status()
    assert [r.error for r in results] == [None] * len(results)
    assert read_table(company.lake, "amazon", "amazon_us_sp", "orders") is None
    coverage = read_table(company.lake, "amazon", "amazon_us_sp", "meta_coverage")
    assert coverage is not None
    orders = {row["day"] for row in coverage.to_pylist() if row["resource"] == "orders"}
    assert date(2026, 3, 19) in orders
    assert read_table(company.lake, "amazon", "amazon_jp_sp", "orders") is not None
