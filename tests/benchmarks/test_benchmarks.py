"""The benchmarks run and say what they measured; how long it took is no test's business."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import duckdb
import pytest

from benchmarks.__main__ import MODULES, results
from benchmarks.harness import Row, in_child
from benchmarks.lake import write_lake

MB = 1_000_000


@pytest.mark.slow
@pytest.mark.parametrize("number", sorted(MODULES))
def test_a_benchmark_measures_its_own_row_at_a_small_scale(number: int, tmp_path: Path) -> None:
    row = import_module(f"benchmarks.{MODULES[number]}").measure(0.002, tmp_path)
    assert row.number == number
    assert min(row.seconds, row.baseline_seconds, row.peak_mb) > 0


def test_a_child_reports_its_own_memory_and_not_its_parents() -> None:
    held = os.urandom(200 * MB)
    _, small, pid = in_child(os.getpid)
    _, large, _ = in_child(os.urandom, 100 * MB)
    assert pid != os.getpid()
    assert small < 100 < large < len(held) / MB


def test_an_error_of_a_child_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        in_child(divmod, 1, 0)


def test_the_results_name_work_goal_and_verdict() -> None:
    row = Row(4, "a day more", 3.0, "itself", 2.5, "≤ 1.2 ×", met=True, peak_mb=1234.5, note="twice")
    text = results([row], scale=0.5)
    assert "| 4 | a day more | 3.0 | itself | 2.5 | 1.20 | ≤ 1.2 × | yes | 1,234 |" in text
    assert "4: twice." in text
    assert "scale 0.5" in text


@pytest.mark.slow
def test_a_lake_of_one_scale_has_the_same_rows_twice(tmp_path: Path) -> None:
    lakes = []
    for name in ("one", "two"):
        write_lake(tmp_path / name, 0.002)
        lakes.append(tmp_path / name / "data" / "lake")
    for table in ("amazon/*/orders", "amazon/*/transactions", "amazon_ads/*/sp_advertised_product"):
        one, two = (_rows(lake / table) for lake in lakes)
        assert one == two
        assert one


def _rows(table: Path) -> list[str]:
    with duckdb.connect() as connection:
        return sorted(map(str, connection.execute(f"SELECT * FROM read_parquet('{table}/*.parquet')").fetchall()))
