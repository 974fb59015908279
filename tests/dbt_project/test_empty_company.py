"""A company that has configured nothing: every table is there, empty and typed, and so dbt's unit tests can run."""

from __future__ import annotations

import pytest

from tests.dbt_project.lake import PROJECT, Lake

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(tmp_path_factory.mktemp("empty") / "data")
    lake.build("path:models", "path:seeds", "path:tests")
    return lake


def test_company_without_sources_builds_to_empty_tables(empty: Lake) -> None:
    facts = ("order_line", "refund", "ledger_entry", "ad_daily", "inventory_daily")
    assert [empty.rows(f"SELECT count(*) FROM core.fct_{fact}") for fact in facts] == [[(0,)]] * 5
    assert empty.rows("SELECT count(*) FROM kpi.kpi_values") == [(0,)]


def test_dbt_unit_tests_pass(empty: Lake) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner().invoke([
        "test", "--quiet", "--select", "test_type:unit", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
        "--target-path", str(empty.root.parent / "target"), "--log-path", str(empty.root / "logs"),
    ])  # fmt: skip
    DuckDBConnectionManager.close_all_connections()
    judged = {result.node.name: result for result in outcome.result if result.node.resource_type == "unit_test"}
    assert judged
    assert {name: result.message for name, result in judged.items() if result.status != "pass"} == {}
