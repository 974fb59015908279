"""Both engines make the same tables of one lake: every row of core, kpi and audit, every column."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.spark_files import write_built
from tests.dbt_project.lake import Lake
from tests.dbt_project.scenario import (
    DAY,
    ad,
    covered,
    fee,
    file_of,
    item,
    land_first,
    order,
    posting,
    products,
    rates,
    sale,
    stock,
)
from tests.e2e.test_real_files import RETAIL
from tests.e2e.warm_kpi import kpi
from tests.spark.engines import Engine
from tests.spark.equal import differences

pytestmark = [pytest.mark.spark, pytest.mark.slow]

RULES = [
    {"rule_id": "gmv_fell", "metric": "gmv", "grain": "day", "scope_type": "store", "scope_filter": "{}",
     "condition": "drop", "threshold": Decimal("0.5"), "weeks": 1, "severity": "critical"},
    {"rule_id": "us_gmv_low", "metric": "gmv", "grain": "week", "scope_type": "store",
     "scope_filter": '{"region": "US"}', "condition": "below", "threshold": Decimal(1000), "severity": "warning"},
]  # fmt: skip


def built_on_spark(data: Path, tables: Path, database: str) -> Path:
    """Build the lake under `data` on Spark; the DuckDB file that shows it."""
    Engine("spark", data, database).build()
    file = data / "on_spark.duckdb"
    write_built(str(tables), database, file)
    return file


def land_second(lake: Lake) -> None:
    """What a later day restates, replaces, releases, empties and reprices."""
    cancelled, changed, new = order("O1", 0, 9, "CANCELLED"), order("O2", 8, 10), order("O3", 10)
    lake.land("amazon", "us_sp", {
        "orders": [cancelled, changed, new], "order_items": [item(changed, "25"), item(new, "7", "B")],
        "transactions": [
            posting("R1", 11, "-4.5", "O2", deferred_transaction_id="D1"),
            posting("F1", 12, "-5", "O3", leaf="OurPricePrincipal", transaction_type="Refund"),
        ],
        "fba_inventory": stock("R3", 12, A=1, B=0),
        "meta_coverage": covered("orders", "M", 8, 9, 10, 11) + covered("transactions", "M", 10, 11, 12),
    })  # fmt: skip
    lake.land("amazon_ads", "us_ads", {
        "sp_advertised_product": [ad(1, 60)], "meta_coverage": covered("sp_advertised_product", "P", 1, 2, 10),
    })  # fmt: skip
    lake.land("files", "shop_orders", file_of("a.csv", "h9", "order_line", sale("S1", 0, "10"), sale("S4", 2, "13")))
    lake.land("files", "shop_ledger", file_of("l.csv", "h8", "ledger_entry", fee("S1", 2, "0.35")))
    lake.land("files", "reference", {"products": products("4.333333", "camping")})
    lake.land("fx", "fx", {"rates": rates(0, "1.25")})


def test_an_incremental_build_equals_a_full_one_on_spark(tmp_path: Path, spark_tables: Path) -> None:
    lake = Lake(tmp_path / "data")
    land_first(lake)
    lake.land("files", "reference", {"alert_rules": RULES})
    lake.build("path:models", "path:seeds", as_of=str(DAY + timedelta(days=10)))
    assert lake.rows("select count(*) > 0 from kpi.kpi_breaches where state = 'breach'") == [(True,)]

    land_second(lake)
    (lake.root / "state" / "run" / "held.jsonl").write_text(json.dumps({"store_id": "jp", "since": "x"}) + "\n")
    lake.build("path:models", "path:seeds", as_of=str(DAY + timedelta(days=13)))
    assert differences(lake.warehouse, built_on_spark(lake.root, spark_tables, "parity")) == {}


@pytest.mark.shared_data
def test_the_real_sales_files_are_equal(shared: Path, tmp_path: Path, spark_tables: Path) -> None:
    inbox = tmp_path / "inbox" / "uk_orders"
    inbox.mkdir(parents=True)
    (tmp_path / "company.yml").write_text(RETAIL, encoding="utf-8")
    for until in ("2011-04-01", "2011-06-01"):  # the second build is an incremental one
        for file in (shared / "data" / "online_retail").glob("*.csv"):
            if file.stem < until:
                shutil.copy2(file, inbox)
        ended = kpi(tmp_path, "run", "--as-of", until)
        assert ended.code == 0, ended.err
    data = tmp_path / "data"
    assert differences(data / "warehouse.duckdb", built_on_spark(data, spark_tables, "retail")) == {}
