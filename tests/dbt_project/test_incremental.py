"""An incremental build equals a full one, row for row, whatever loads and reference tables brought in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.dbt_project.lake import Lake
from tests.dbt_project.scenario import (
    DAY,
    SOURCES,
    STORES,
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

pytestmark = pytest.mark.slow


@dataclass
class Twins:
    """One lake, a warehouse that is built on from step to step, and one that is made anew to compare it with."""

    grown: Lake
    fresh: Lake

    def die_half_way(self, as_of: date) -> None:
        """Build the facts alone, as a run does that is killed before the KPI tables."""
        self.grown.build(as_of=as_of.isoformat())

    def check(self, as_of: date, held: tuple[str, ...] = ()) -> None:
        """Build both and compare every table of core, kpi and audit."""
        run = self.grown.root / "state" / "run"
        run.mkdir(parents=True, exist_ok=True)
        (run / "held.jsonl").write_text("".join(json.dumps({"store_id": s, "since": "x"}) + "\n" for s in held))
        self.fresh.warehouse.unlink(missing_ok=True)
        for lake in (self.grown, self.fresh):
            lake.build("path:models", "path:seeds", as_of=as_of.isoformat())
        differing = _differing(self.grown.warehouse, self.fresh.warehouse)
        assert differing == {}, f"tables that differ, rows only in the grown and only in the full one: {differing}"


def _differing(grown: Path, fresh: Path) -> dict[str, tuple[int, int]]:
    found = {}
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        db.execute(f"attach '{grown}' as grown (read_only)")
        db.execute(f"attach '{fresh}' as fresh (read_only)")
        tables = db.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'fresh' "
            "and schema_name in ('core', 'kpi', 'audit') order by all"
        ).fetchall()
        assert ("kpi.kpi_values",) in tables
        for (table,) in tables:
            counts = [
                db.execute(
                    f"select count(*) from (select * from {left}.{table} except all select * from {right}.{table})"
                ).fetchone()
                for left, right in (("grown", "fresh"), ("fresh", "grown"))
            ]
            left_only, right_only = (count[0] if count else -1 for count in counts)
            if left_only or right_only:
                found[table] = (left_only, right_only)
    return found


@pytest.fixture
def twins(tmp_path: Path) -> Iterator[Twins]:
    grown = Lake(tmp_path / "data")
    fresh = Lake(tmp_path / "data")
    fresh.warehouse = tmp_path / "fresh" / "warehouse.duckdb"
    fresh.warehouse.parent.mkdir()
    land_first(grown)
    yield Twins(grown, fresh)


def test_incremental_builds_equal_a_full_one_through_restatements_and_changed_references(twins: Twins) -> None:
    lake = twins.grown
    twins.check(DAY + timedelta(days=10))

    # new and changed orders, a cancellation, a restated and an emptied ad day, a file that came again with other days
    cancelled, changed, new = order("O1", 0, 9, "CANCELLED"), order("O2", 8, 10), order("O3", 10)
    late = lake.land("amazon", "us_sp", {
        "orders": [cancelled, changed, new], "order_items": [item(changed, "25"), item(new, "7", "B")],
        "meta_coverage": covered("orders", "M", 8, 9, 10, 11),
    }, load_id="1795000000.000900")  # fmt: skip
    lake.land("amazon_ads", "us_ads", {
        "sp_advertised_product": [ad(1, 60)], "meta_coverage": covered("sp_advertised_product", "P", 1, 2, 10),
    }, load_id="1795000000.000901")  # fmt: skip
    lake.land("files", "shop_orders", file_of("a.csv", "h9", "order_line", sale("S1", 0, "10"), sale("S4", 2, "13")),
              load_id="1795000000.000902")  # fmt: skip
    twins.die_half_way(DAY + timedelta(days=12))
    twins.check(DAY + timedelta(days=12))

    # a load that finished out of order, the release of a deferred posting, a refund, stock, a ledger file replaced
    lake.land("amazon", "us_sp", {
        "orders": [order("O0", 7), order("O3", 10, 10)], "order_items": [item(order("O0", 7), "70")],
    }, load_id=late.replace("900", "899"))  # fmt: skip
    lake.land("amazon", "us_sp", {
        "transactions": [
            posting("R1", 11, "-4.5", "O2", deferred_transaction_id="D1"),
            posting("F1", 12, "-5", "O3", leaf="OurPricePrincipal", transaction_type="Refund"),
        ],
        "fba_inventory": stock("R3", 12, A=1, B=0), "meta_coverage": covered("transactions", "M", 10, 11, 12),
    }, load_id="1795000000.000903")  # fmt: skip
    lake.land(
        "files",
        "shop_ledger",
        file_of("l.csv", "h8", "ledger_entry", fee("S1", 2, "0.35")),
        load_id="1795000000.000904",
    )
    lake.land("files", "shop_orders", file_of("b.csv", "h7", "order_line"), load_id="1795000000.000908")
    twins.check(DAY + timedelta(days=13))
    assert lake.rows("select count(*) from core.fct_order_line where order_id = 'S3'") == [(0,)]

    # a cost and a category, a corrected rate, a source more, and so late that the ad days settle
    lake.land("files", "reference", {"products": products("4.5", "camping")}, load_id="1795000000.000905")
    lake.land("fx", "fx", {"rates": rates(0, "1.25")}, load_id="1795000000.000906")
    lake.land("files", "reference", {"company_source": [*SOURCES, {"source_id": "jp_ads", "system": "amazon_ads",
              "store_id": "jp"}]}, load_id="1795000000.000907")  # fmt: skip
    twins.check(DAY + timedelta(days=60))


def test_a_store_that_is_held_and_accepted_again_or_leaves_equals_a_full_build(twins: Twins) -> None:
    twins.check(DAY + timedelta(days=10), held=("us",))
    twins.check(DAY + timedelta(days=11))
    twins.grown.land("files", "reference", {"company_store": STORES[1:]}, load_id="1795000000.000910")
    twins.check(DAY + timedelta(days=9))
