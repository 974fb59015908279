"""A small company with one file source, and a landing that does not wait for files to settle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion.company import Company, load_company
from ingestion.landing import LandOptions, SourceResult, land

COMPANY = """\
name: Test
reporting_currency: GBP
stores:
  - {id: uk_shop, platform: own_site, region: EU, currency: GBP, timezone: Europe/London, opened_on: 2010-12-01}
sources:
  - {id: uk_orders, system: files, store: uk_shop, mapping: online_retail}
"""
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
Land = Callable[..., SourceResult]


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.files.inbox.wait", lambda seconds: None)
    monkeypatch.setenv("KPI_PSEUDONYM_KEY", "test")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "company.yml").write_text(COMPANY)
    (tmp_path / "inbox" / "uk_orders").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def company(root: Path) -> Company:
    return load_company(root)


@pytest.fixture
def drop(root: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = root / "inbox" / "uk_orders" / name
        path.write_text(text, encoding="utf-8", newline="")
        return path

    return write


@pytest.fixture
def land_files(company: Company) -> Land:
    def run() -> SourceResult:
        return land(company, company.sources[0], LandOptions("run", None, None, None, datetime.now(UTC)))

    return run
