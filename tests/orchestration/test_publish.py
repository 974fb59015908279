"""Publication: only accepted rows, never half a file, never a blocked reader."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.publish import PublishError, publish_file, table_fingerprints

FACT = "SELECT * FROM core.fct_order_line ORDER BY ALL"


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    _write(
        path,
        "CREATE SCHEMA core; CREATE SCHEMA kpi; CREATE SCHEMA audit; CREATE SCHEMA staging",
        "CREATE TABLE staging.private (x INTEGER)",
        "CREATE TABLE core.dim_store AS SELECT unnest(['us', 'jp']) AS store_id",
        "CREATE TABLE core.fct_order_line (store_id VARCHAR, date DATE, order_id VARCHAR, gmv DECIMAL(18,4))",
        "INSERT INTO core.fct_order_line VALUES ('us', '2025-01-01', 'a', 1), ('us', '2025-01-02', 'b', 2),"
        " ('jp', '2025-01-01', 'c', 300)",
        "CREATE TABLE kpi.kpi_values AS SELECT 'gmv' AS metric, 'day' AS grain, DATE '2025-01-01' AS period_start,"
        " 1.0::DOUBLE AS value",
        "CREATE VIEW audit.freshness AS SELECT store_id FROM warehouse.core.dim_store",
    )
    return path


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "published" / "company.duckdb"


def _write(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def _read(path: Path, query: str = FACT) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_publishes_the_three_schemas_and_nothing_else(warehouse: Path, published: Path) -> None:
    result = publish_file(warehouse, published, set(), "run1")
    assert result.tables == {
        "audit.freshness": 2,
        "core.dim_store": 2,
        "core.fct_order_line": 3,
        "kpi.kpi_values": 1,
    }
    assert _read(published) == _read(warehouse)
    assert [p.name for p in published.parent.iterdir()] == ["company.duckdb"]
    assert _read(published, "SELECT run_id FROM audit.publication") == [("run1",)]


def test_publishing_twice_changes_no_table(warehouse: Path, published: Path) -> None:
    publish_file(warehouse, published, set(), "run1")
    before = table_fingerprints(published)
    publish_file(warehouse, published, set(), "run2")
    assert table_fingerprints(published) == before


def test_changed_new_and_vanished_days_and_equal_rows_follow_the_warehouse(warehouse: Path, published: Path) -> None:
    publish_file(warehouse, published, set(), "run1")
    _write(
        warehouse,
        "UPDATE core.fct_order_line SET gmv = 9 WHERE order_id = 'a'",
        "DELETE FROM core.fct_order_line WHERE order_id = 'b'",
        "INSERT INTO core.fct_order_line VALUES ('us', '2025-01-03', 'd', 4), ('us', '2025-01-03', 'd', 4),"
        " ('jp', NULL, 'e', NULL)",
    )
    publish_file(warehouse, published, set(), "run2")
    assert _read(published) == _read(warehouse)


def test_a_held_store_keeps_its_last_rows_until_it_is_accepted_again(warehouse: Path, published: Path) -> None:
    publish_file(warehouse, published, set(), "run1")
    last_good = _read(published, "SELECT * FROM core.fct_order_line WHERE store_id = 'us' ORDER BY ALL")
    for run in ("run2", "run3"):
        _write(
            warehouse,
            "UPDATE core.fct_order_line SET gmv = gmv + 10",
            f"INSERT INTO core.fct_order_line VALUES ('us', '2025-02-01', '{run}', 1)",
        )
        publish_file(warehouse, published, {"us"}, run)
        assert _read(published, "SELECT * FROM core.fct_order_line WHERE store_id = 'us' ORDER BY ALL") == last_good
    assert _read(published, "SELECT gmv FROM core.fct_order_line WHERE store_id = 'jp'")[0][0] == 320
    publish_file(warehouse, published, set(), "run4")
    assert _read(published) == _read(warehouse)


def test_a_store_held_on_its_first_run_has_no_rows(warehouse: Path, published: Path) -> None:
    publish_file(warehouse, published, {"us"}, "run1")
    assert {row[0] for row in _read(published)} == {"jp"}
    assert len(_read(published, "SELECT * FROM core.dim_store")) == 2


def test_a_changed_schema_keeps_held_rows_cast_by_name(warehouse: Path, published: Path) -> None:
    publish_file(warehouse, published, set(), "run1")
    _write(
        warehouse,
        "CREATE OR REPLACE TABLE core.fct_order_line AS"
        " SELECT order_id, store_id, date, gmv::DECIMAL(20,4) + 1 AS gmv, 'x' AS channel FROM core.fct_order_line",
    )
    publish_file(warehouse, published, {"us"}, "run2")
    rows = _read(published, "SELECT store_id, order_id, gmv, channel FROM core.fct_order_line ORDER BY order_id")
    assert rows == [("us", "a", 1, None), ("us", "b", 2, None), ("jp", "c", 301, "x")]


def test_a_table_or_store_that_left_the_warehouse_leaves_the_file(warehouse: Path, published: Path) -> None:
    publish_file(warehouse, published, set(), "run1")
    _write(warehouse, "DROP TABLE kpi.kpi_values", "DELETE FROM core.fct_order_line WHERE store_id = 'jp'")
    assert set(publish_file(warehouse, published, set(), "run2").tables) == {
        "audit.freshness",
        "core.dim_store",
        "core.fct_order_line",
    }
    assert {row[0] for row in _read(published)} == {"us"}


def test_an_open_reader_is_not_blocked_and_sees_one_state(warehouse: Path, published: Path) -> None:
    publish_file(warehouse, published, set(), "run1")
    code = "import duckdb,sys; c=duckdb.connect(sys.argv[1],read_only=True); print('open',flush=True); input();"
    code += "print(c.execute('select sum(gmv) from core.fct_order_line').fetchone()[0])"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(published)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        _write(warehouse, "UPDATE core.fct_order_line SET gmv = 0")
        publish_file(warehouse, published, set(), "run2")
        seen, _ = reader.communicate("go\n")
    assert seen.strip() == "303.0000"
    assert _read(published, "SELECT sum(gmv) FROM core.fct_order_line")[0][0] == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from orchestration import publish
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
owner, name = {point!r}.rsplit(".", 1)
setattr({{"publish": publish, "path": Path, "shutil": publish.shutil}}[owner], name, die)
publish.publish_file(Path(sys.argv[1]), Path(sys.argv[2]), set(), "killed")
"""


@pytest.mark.parametrize(
    "point",
    ["shutil.copyfile", "publish._bring_up", "publish._replace_partitions", "publish._count",
     "publish._sync_to_disk", "path.replace"],
)  # fmt: skip
def test_killed_at_any_point_leaves_the_old_file_and_the_next_run_finishes(
    warehouse: Path, published: Path, point: str
) -> None:
    publish_file(warehouse, published, set(), "run1")
    before = published.read_bytes()
    _write(warehouse, "UPDATE core.fct_order_line SET gmv = gmv * 2")
    ended = subprocess.run(
        [sys.executable, "-c", KILLED.format(point=point), str(warehouse), str(published)], check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert published.read_bytes() == before
    publish_file(warehouse, published, set(), "run2")
    assert _read(published) == _read(warehouse)
    assert [p.name for p in published.parent.iterdir()] == ["company.duckdb"]


def test_a_full_disk_gives_one_clear_line_and_the_old_file_stays(warehouse: Path, published: Path) -> None:
    publish_file(warehouse, published, set(), "run1")
    before = published.read_bytes()
    _write(
        warehouse,
        "INSERT INTO core.fct_order_line SELECT 'us', '2025-03-01', i::VARCHAR, i FROM range(500000) AS t (i)",
    )
    code = textwrap.dedent("""
        import resource, sys
        from pathlib import Path
        from orchestration.publish import PublishError, publish_file
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, 1_200_000))
        try:
            publish_file(Path(sys.argv[1]), Path(sys.argv[2]), set(), "full")
        except PublishError as error:
            print(error)
            sys.exit(7)
        """)
    ended = subprocess.run(
        [sys.executable, "-c", code, str(warehouse), str(published)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 7, ended.stderr
    assert ended.stdout.count("\n") == 1
    assert "the last published file stays" in ended.stdout
    assert published.read_bytes() == before
    assert os.listdir(published.parent) == ["company.duckdb"]  # noqa: PTH208 - hidden drafts must show too


def test_without_a_warehouse_it_says_what_to_run(tmp_path: Path, published: Path) -> None:
    with pytest.raises(PublishError, match="kpi run"):
        publish_file(tmp_path / "none.duckdb", published, set(), "run1")
