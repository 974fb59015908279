"""Real files, counted twice: by a run, and by hand straight over the files."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.companies import published
from tests.e2e.warm_kpi import kpi

pytestmark = [pytest.mark.slow, pytest.mark.shared_data]

RETAIL = """
name: Acme Outdoor
reporting_currency: GBP
languages: [zh, en]
stores:
  - {id: uk_shop, platform: own_site, region: EU, currency: GBP, timezone: Europe/London, opened_on: 2010-12-01}
sources:
  - {id: uk_orders, system: files, store: uk_shop, mapping: online_retail}
"""
ADS = """
name: Acme Outdoor
reporting_currency: USD
stores:
  - {id: us_shop, platform: own_site, region: US, currency: USD, timezone: America/New_York, opened_on: 2023-08-01}
sources:
  - {id: us_meta, system: files, store: us_shop, mapping: meta_ads_export}
"""


@dataclass
class Day:
    """One day as a person with a pencil counts it."""

    gmv: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    units: int = 0
    invoices: set[str] = field(default_factory=set)


def _counted(folder: Path) -> dict[date, Day]:
    days: dict[date, Day] = defaultdict(Day)
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                day = days[datetime.fromisoformat(row["InvoiceDate"]).date()]
                quantity, price = int(row["Quantity"]), Decimal(row["UnitPrice"])
                if row["InvoiceNo"].startswith("C"):
                    day.refunds -= quantity * price
                elif not row["InvoiceNo"].startswith("A") and quantity > 0 and price > 0:
                    day.gmv += quantity * price
                    day.units += quantity
                    day.invoices.add(row["InvoiceNo"])
    return days


def _published_days(root: Path) -> dict[date, tuple[Decimal, Decimal, int, int]]:
    rows = published(root, "select date, gmv, refunds, orders, units from kpi.kpi_daily where store_id = 'uk_shop'")
    return {row[0]: tuple(row[1:]) for row in rows}  # type: ignore[misc]


def _expected(days: Mapping[date, Day]) -> dict[date, tuple[Decimal, Decimal, int, int]]:
    return {day: (d.gmv, d.refunds, len(d.invoices), d.units) for day, d in days.items()}


def test_the_retail_files_are_published_to_the_cent_and_count_once(shared: Path, tmp_path: Path) -> None:
    files = shared / "data" / "online_retail"
    inbox = tmp_path / "inbox" / "uk_orders"
    shutil.copytree(files, inbox)
    (tmp_path / "company.yml").write_text(RETAIL, encoding="utf-8")

    first = kpi(tmp_path, "run", "--as-of", "2011-06-01")

    assert first.code == 0, first.err
    expected = _expected(_counted(files))
    assert len(expected) == 141
    days = _published_days(tmp_path)
    assert {day: days[day] for day in expected} == expected
    assert min(days) == date(2010, 12, 1) and max(days) == date(2011, 5, 31), "closed days since the shop opened"
    silent = [numbers for day, numbers in days.items() if day not in expected]
    assert silent and all(numbers == (None, None, None, None) for numbers in silent), "no file is not zero sales"

    for path in sorted(inbox.iterdir()):
        path.rename(path.with_name(f"copy of {path.name}"))
    saturday = date(2010, 12, 4)
    (inbox / "repair.csv").write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        f"700001,A,Anchor,2,{saturday} 09:00:00,1.15,17850.0,United Kingdom\n"
        f"700001,B,Bell,a few,{saturday} 09:00:00,4.00,17850.0,United Kingdom\n"
        f"700002,C,Clock,1,{saturday} 09:30:00,7.05,17850.0,United Kingdom\n",
        encoding="utf-8",
    )
    second = kpi(tmp_path, "run", "--as-of", "2011-06-01")

    assert second.code == 0, second.err
    assert _published_days(tmp_path) == {**days, saturday: (Decimal("9.35"), Decimal(0), 2, 3)}
    [(source, file, line, reason)] = published(tmp_path, "select source_id, file, line, reason from audit.quarantine")
    assert (source, file, line) == ("uk_orders", "repair.csv", 3)
    assert "a few" not in reason and "quantity" in reason.lower()


def test_the_ad_export_keeps_its_own_totals(shared: Path, tmp_path: Path) -> None:
    export = shared / "data" / "meta_ads" / "KAG_conversion_data.csv"
    inbox = tmp_path / "inbox" / "us_meta"
    inbox.mkdir(parents=True)
    shutil.copy(export, inbox)
    (tmp_path / "company.yml").write_text(ADS, encoding="utf-8")
    with export.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    spend: dict[date, Decimal] = defaultdict(Decimal)
    for row in rows:
        spend[datetime.strptime(row["Date"], "%d-%m-%Y").date()] += Decimal(row["Spent"])  # noqa: DTZ007

    ended = kpi(tmp_path, "run", "--as-of", "2023-09-01")

    assert ended.code == 0, ended.err
    told = published(tmp_path, "select sum(impressions), sum(clicks), sum(ad_spend) from kpi.kpi_daily")
    cents = sum(spend.values()).quantize(Decimal("0.01"))
    assert (told[0][0], told[0][1], told[0][2].quantize(Decimal("0.01"))) == (
        sum(int(row["Impressions"]) for row in rows),
        sum(int(row["Clicks"]) for row in rows),
        cents,
    )
    by_day = published(tmp_path, "select date, ad_spend from kpi.kpi_daily where impressions > 0")
    assert {day: round(amount, 2) for day, amount in by_day} == {day: round(total, 2) for day, total in spend.items()}
