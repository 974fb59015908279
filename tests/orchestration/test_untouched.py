"""When a run may leave the KPI tables alone."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.untouched import kpi_tables_stand

BUILT = """
create schema staging; create schema intermediate; create schema state;
create table staging.stg_landing__unread_load (source_id text, load_id text);
create table intermediate.int_touched_store_day (store_id text, date date, fact text);
create table intermediate.int_store as select 'us' as store_id, date '2026-03-01' as as_of_day;
create table state.built_store as select *, false as is_held from intermediate.int_store;
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    change(path, BUILT)
    return path


def change(path: Path, statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(statements)


def test_tables_stand_when_nothing_came(warehouse: Path) -> None:
    assert kpi_tables_stand(warehouse, [])


@pytest.mark.parametrize(
    "what",
    [
        "insert into staging.stg_landing__unread_load values ('uk_orders', '1795000000.1')",
        "insert into intermediate.int_touched_store_day values ('us', date '2026-02-01', 'refund')",
        "update intermediate.int_store set as_of_day = date '2026-03-02'",
        "update state.built_store set is_held = true",
        "drop table state.built_store",
    ],
)
def test_tables_are_built_when(what: str, warehouse: Path) -> None:
    change(warehouse, what)
    assert not kpi_tables_stand(warehouse, [])


def test_tables_are_built_when_a_store_is_newly_held(warehouse: Path) -> None:
    assert not kpi_tables_stand(warehouse, ["us"])


def test_tables_are_built_before_there_is_a_warehouse(tmp_path: Path) -> None:
    assert not kpi_tables_stand(tmp_path / "warehouse.duckdb", [])
