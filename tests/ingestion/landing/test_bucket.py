"""A lake in a bucket: landed by dlt, read back by landing and by dbt-duckdb, against an S3 server on loopback."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ingestion.company import load_company
from ingestion.landing import land_all
from ingestion.landing.lake import read_table
from orchestration.warehouse import build
from tests.ingestion.conftest import COMPANY, HEADER
from tests.ingestion.landing.test_engine import OPTIONS


@pytest.mark.slow
def test_rows_landed_in_a_bucket_are_built_from_it(bucket: str, root: Path) -> None:
    (root / "company.yml").write_text(COMPANY + f"lake: {bucket}\n")
    (root / "inbox" / "uk_orders" / "a.csv").write_text(HEADER + "536365,A,Mug,6,2010-12-01 08:26:00,2.55,,UK\n")
    company = load_company(root)
    assert company.lake == bucket
    results = land_all(company, company.sources, OPTIONS)
    assert [result.error for result in results] == [None, None]
    table = read_table(bucket, "files", "uk_orders", "order_line", "order_id, quantity")
    assert table is not None and table.to_pylist() == [{"order_id": "536365", "quantity": 6}]
    assert not (root / "data" / "lake").exists()

    run = root / "data" / "state" / "run"
    run.mkdir(parents=True)
    # `stg_files__refund`: a table of which the bucket has no file.
    result = build(company, select=("+stg_files__order_line", "+stg_files__refund"))
    assert result.failures == []
    with duckdb.connect(str(root / "data" / "warehouse.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("select order_id, quantity from staging.stg_files__order_line").fetchall() == [
            ("536365", 6)
        ]


@pytest.mark.slow
def test_second_run_sees_what_the_first_landed_in_the_bucket(bucket: str, root: Path) -> None:
    (root / "company.yml").write_text(COMPANY + f"lake: {bucket}\n")
    (root / "inbox" / "uk_orders" / "a.csv").write_text(HEADER + "1,A,Mug,2,2010-12-01 08:26:00,2.55,,UK\n")
    company = load_company(root)
    first = land_all(company, company.sources, OPTIONS)
    second = land_all(company, company.sources, OPTIONS)
    assert first[1].rows_landed == 1
    assert second[1].rows_landed == 0
