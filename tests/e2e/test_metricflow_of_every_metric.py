"""MetricFlow and the KPI tables agree on every metric of the sandbox company: sales, ledger, ads and stock."""

from __future__ import annotations

import duckdb
import pytest

from orchestration.warehouse import dbt_environment
from tests.dbt_project.kpi import both_readers
from tests.e2e.conftest import Run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("grain", ["day", "week", "month"])
def test_metricflow_and_kpi_values_agree_on_every_metric(
    second_run: Run, grain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = second_run.folder
    for name, value in dbt_environment(folder).items():
        monkeypatch.setenv(name, value)
    both_readers.dbt(folder, "parse")
    told = both_readers.published(folder, grain)
    asked = both_readers.ask(folder, {metric for metric, _, _ in told}, grain)
    both_readers.assert_equal(told, asked)
    if grain == "day":
        with duckdb.connect(str(second_run.published), read_only=True) as built:
            catalogue = {row[0] for row in built.execute("select metric from kpi.metric_catalog").fetchall()}
        assert {metric for metric, _, _ in told} == catalogue
