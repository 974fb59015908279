"""Row 3: every KPI table built from nothing, against a script written by hand that computes the daily KPIs only."""

import os
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.harness import Row, in_child
from benchmarks.lake import write_lake
from benchmarks.trade import END
from ingestion.company import load_company
from ingestion.landing import LandOptions, land_all
from orchestration.pipeline import Pipeline, RunOptions

SCRIPT = Path(__file__).with_suffix(".sql")
GOAL_RATIO, GOAL_MB = 4, 6_000
COMPARED = (
    "gmv",
    "discounts",
    "orders",
    "units",
    "refunds",
    "cogs",
    "first_leg",
    "platform_fees",
    "fulfilment_fees",
    "other_fees",
    "ad_spend",
    "ad_sales",
    "contribution_profit",
)


def measure(scale: float, folder: Path) -> Row:
    """Build and compute the same lake; scale 1 is 10 M order lines, 5 M ad rows, 3 M ledger entries.

    Raises:
        ValueError: the build failed, or the two disagree about a number.
    """
    volume = write_lake(folder / f"two_years_{scale:g}", scale)
    land_reference(volume.root)
    by_hand_seconds, by_hand_mb, by_hand = in_child(compute_by_hand, volume.root)
    seconds, peak_mb, _ = in_child(build, volume.root)
    known = compare(volume.root / "data" / "warehouse.duckdb", by_hand)
    return Row(
        3,
        f"build all KPI tables from {volume.order_lines:,} order lines, {volume.ad_rows:,} ad rows, "
        f"{volume.ledger_entries:,} ledger entries ({volume.stores} stores, 24 months)",
        seconds,
        f"one SQL script for the daily KPIs by store ({by_hand_mb:,.0f} MB)",
        by_hand_seconds,
        f"≤ {GOAL_RATIO} × its time, ≤ {GOAL_MB / 1000:g} GB",
        seconds <= GOAL_RATIO * by_hand_seconds and peak_mb <= GOAL_MB,
        peak_mb,
        f"dbt's own start is in it; {known:,} store-days agree to the last digit in {len(COMPARED)} KPIs",
    )


def land_reference(root: Path) -> None:
    """Land the company folder's own tables into its lake. Raises ValueError where one did not."""
    options = LandOptions("benchmark", None, None, END, datetime.now(UTC), None)
    errors = [result.error for result in land_all(load_company(root), [], options) if result.error]
    if errors:
        raise ValueError(f"the reference tables of {root} did not land: {errors[0]}")


def build(root: Path) -> None:
    """The core and KPI steps of a first run. Raises ValueError with the first failing model."""
    (root / "data" / "warehouse.duckdb").unlink(missing_ok=True)
    pipeline = Pipeline(load_company(root))
    pipeline.start(RunOptions(as_of=END, full_refresh=True))
    for step in (pipeline.build_core, pipeline.build_kpi):
        failures = step().failures
        if failures:
            raise ValueError(f"the build of {root} failed: {failures[0]}")


def compute_by_hand(root: Path) -> Path:
    """Run the script into a new database file, and say which."""
    path = root / "data" / "by_hand.duckdb"
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"SET enable_progress_bar = false; SET threads = {min(os.cpu_count() or 2, 8)}")
        connection.execute("SET VARIABLE lake = ?", [str(root / "data" / "lake")])
        connection.execute(SCRIPT.read_text("utf-8"))
    return path


def compare(warehouse: Path, by_hand: Path) -> int:
    """How many store-days both know, all equal. Raises ValueError where the two disagree."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{warehouse}' AS built (READ_ONLY); ATTACH '{by_hand}' AS by_hand (READ_ONLY)")
        unequal = " , ".join(f"count(*) FILTER (WHERE h.{c} IS DISTINCT FROM b.{c})" for c in COMPARED)
        rows, fees, *differing = connection.execute(f"""
            SELECT count(*), count(h.contribution_profit), {unequal}
            FROM by_hand.daily_kpis AS h
            LEFT JOIN built.kpi.kpi_daily AS b ON h.store_id = b.store_id AND h.date = b.date
        """).fetchall()[0]
    wrong = [f"{name} on {n} store-days" for name, n in zip(COMPARED, differing, strict=True) if n]
    if wrong or not fees:
        raise ValueError(f"the build and the script disagree: {', '.join(wrong) or 'no contribution was computed'}")
    return int(rows)
