"""Publication on Spark: readers see one whole publication, held stores keep their rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.company import Company, load_company
from orchestration.publish import publish
from orchestration.spark_files import write_built
from tests.ingestion.conftest import COMPANY

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture
def company(tmp_path: Path, spark_tables: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """A company with a database of its own."""
    monkeypatch.setenv("KPI_DATABASE", "acme")
    (tmp_path / "company.yml").write_text(COMPANY + "engine: spark\n")
    made = load_company(tmp_path)
    from orchestration.warehouse import operate

    assert operate(made, "spark_names", {"statement": "show databases", "column": "namespace"}) is None
    sql("create schema acme_core")
    sql("create schema acme_kpi")
    sql("create schema acme_audit")
    yield made
    for name in ("acme_core", "acme_kpi", "acme_audit", "acme_published", "acme"):
        sql(f"drop schema if exists {name} cascade")


def session() -> Any:
    from pyspark.sql import SparkSession

    return SparkSession.builder.getOrCreate()


def sql(statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session().sql(statement).collect()]


def build(units: dict[str, int], value: float) -> None:
    """What dbt would leave behind: one fact of two stores, one KPI table."""
    sql("drop table if exists acme_core.fct_order_line")
    sql("drop table if exists acme_kpi.kpi_daily")
    rows = ", ".join(f"('{store}', cast({number} as bigint))" for store, number in units.items())
    sql(f"create table acme_core.fct_order_line using parquet as select * from values {rows} as t(store_id, units)")
    sql(f"create table acme_kpi.kpi_daily using parquet as select cast({value} as double) as gmv")


def tools_see(company: Company, query: str) -> list[tuple[Any, ...]]:
    file = company.root / "data" / "published" / "company.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_held_store_keeps_its_last_rows_and_the_rest_is_replaced(company: Company) -> None:
    build({"us": 1, "jp": 1}, 10.0)
    first = publish(company, set(), "run-1")
    assert first.tables == {"core.fct_order_line": 2, "kpi.kpi_daily": 1}
    build({"us": 2, "jp": 2}, 20.0)
    publish(company, {"us"}, "run-2")
    assert sql("select store_id, units from acme.fct_order_line order by 1") == [("jp", 2), ("us", 1)]
    assert sql("select gmv from acme.kpi_daily") == [(20.0,)]
    assert sql("select run_id from acme.publication order by published_at") == [("run-1",), ("run-2",)]
    assert tools_see(company, "from core.fct_order_line order by 1") == [("jp", 2), ("us", 1)]


def test_what_a_killed_publication_wrote_is_never_seen_and_goes_with_the_next(company: Company) -> None:
    build({"us": 1}, 10.0)
    publish(company, set(), "run-1")
    stored = next(name for _, name, _ in sql("show tables in acme_published") if name.startswith("kpi_daily_"))
    sql(f"insert into acme_published.{stored} partition (publication = '99990101T000000000000') values (99.0)")
    assert sql("select gmv from acme.kpi_daily") == [(10.0,)]
    build({"us": 2}, 20.0)
    publish(company, set(), "run-2")
    assert sql("select gmv from acme.kpi_daily") == [(20.0,)]
    assert len(sql(f"show partitions acme_published.{stored}")) == 2


def test_changed_columns_and_a_table_that_left_reach_the_readers(company: Company) -> None:
    build({"us": 1}, 10.0)
    publish(company, set(), "run-1")
    sql("drop table acme_kpi.kpi_daily")
    sql("alter table acme_core.fct_order_line add columns (channel string)")
    publish(company, {"us"}, "run-2")
    assert sql("select store_id, units, channel from acme.fct_order_line") == [("us", 1, None)]
    assert [name for _, name, _ in sql("show tables in acme")] == ["fct_order_line", "publication"]


def test_table_without_rows_is_published_with_its_columns(company: Company) -> None:
    build({"us": 1}, 10.0)
    sql("drop table acme_kpi.kpi_daily")
    sql("create table acme_kpi.kpi_daily using parquet as select cast(1 as double) as gmv where false")
    publish(company, set(), "run-1")
    assert tools_see(company, "select column_name from (describe kpi.kpi_daily)") == [("gmv",)]
    assert tools_see(company, "from kpi.kpi_daily") == []


def test_checks_read_the_build_by_a_duckdb_file(company: Company, spark_tables: Path) -> None:
    build({"us": 3}, 10.0)
    file = company.root / "data" / "warehouse.duckdb"
    write_built(str(spark_tables), "acme", file)
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("from core.fct_order_line").fetchall() == [("us", 3)]
