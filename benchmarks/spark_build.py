"""Row 9: the build of row 3 on Spark, over one volume and ten times as much, against DuckDB over the same two."""

import os
from pathlib import Path
from unittest.mock import patch

from benchmarks.daily_kpis import build, compare, compute_by_hand, land_reference
from benchmarks.harness import Row, in_child
from benchmarks.lake import write_lake

SHARES = (0.01, 0.1)  # of the lake of row 3: what one machine's Spark builds in minutes
SPARK = {"KPI_SPARK_MASTER": "local[2]", "SPARK_LOCAL_IP": "127.0.0.1"}


def measure(scale: float, folder: Path) -> Row:
    """Build both lakes with both engines; scale 1 is 100 000 and 1 M order lines.

    Raises:
        ValueError: a build failed, or disagrees with the script written by hand about a number.
    """
    seconds: dict[tuple[str, float], float] = {}
    for share in SHARES:
        volume = write_lake(folder / f"two_years_{scale * share:g}", scale * share)
        land_reference(volume.root)
        by_hand = compute_by_hand(volume.root)
        for engine in ("duckdb", "spark"):
            _choose(volume.root, engine)
            with patch.dict(os.environ, SPARK):
                seconds[engine, share], peak_mb, _ = in_child(build, volume.root)
            known = compare(volume.root / "data" / "warehouse.duckdb", by_hand)
        _choose(volume.root, "duckdb")
    small, large = SHARES
    growth = {engine: seconds[engine, large] / seconds[engine, small] for engine in ("duckdb", "spark")}
    return Row(
        9,
        f"build all KPI tables on Spark local[2] from {volume.order_lines:,} order lines, {volume.ad_rows:,} ad rows, "
        f"{volume.ledger_entries:,} ledger entries",
        seconds["spark", large],
        "the same on DuckDB",
        seconds["duckdb", large],
        "≤ 10 × the time of a tenth of the data",
        growth["spark"] <= 10,
        peak_mb,
        f"a tenth of the data took {seconds['spark', small]:.1f} s on Spark ({growth['spark']:.1f} × for ten times as "
        f"much), {seconds['duckdb', small]:.1f} s on DuckDB ({growth['duckdb']:.1f} ×); {known:,} store-days agree to "
        "the last digit with a script written by hand; the memory is Python's, the JVM is not in it",
    )


def _choose(root: Path, engine: str) -> None:
    """Say in company.yml which engine builds."""
    path = root / "company.yml"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("engine:")]
    path.write_text("\n".join([*lines, f"engine: {engine}"]) + "\n", "utf-8")
