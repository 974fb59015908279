"""Row 1: land a CSV drop of 5 M order lines, against DuckDB's own copy of the same file to Parquet."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import dlt.destinations
import dlt.destinations.impl.filesystem.filesystem  # noqa: F401 - a running pipeline has loaded what it needs
import duckdb

import ingestion.files.connector  # noqa: F401
from benchmarks.harness import Row, in_child
from ingestion.company import load_company
from ingestion.landing import LandOptions, land

LINES, SEED = 5_000_000, 20_260
COMPANY = """\
name: Benchmark
reporting_currency: GBP
stores:
  - {id: uk_shop, platform: own_site, region: EU, currency: GBP, timezone: Europe/London, opened_on: 2023-01-01}
sources:
  - {id: uk_orders, system: files, store: uk_shop, mapping: online_retail}
"""


def measure(scale: float, folder: Path) -> Row:
    """Land `scale` x 5 M lines, in `folder`; every 100 000th line is broken and must end in quarantine."""
    lines = round(LINES * scale)
    file = folder / f"orders_{lines}.csv"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        generate(file, lines)
    before, _, _ = in_child(copy_to_parquet, file, folder / "baseline.parquet")
    seconds, peak_mb, (landed, quarantined) = in_child(land_file, file, folder / "company")
    behind, _, _ = in_child(copy_to_parquet, file, folder / "baseline.parquet")
    baseline_seconds = (before + behind) / 2
    if (landed, quarantined) != (lines - lines // 100_000, lines // 100_000):
        raise AssertionError(f"{lines} lines written, {landed} landed and {quarantined} quarantined")
    return Row(
        number=1,
        work=f"land a CSV drop of {lines:,} order lines, {file.stat().st_size / 1e6:,.0f} MB: types, quarantine, "
        "SHA-256, keyed hash of buyers, archived copy",
        seconds=seconds,
        baseline="DuckDB `COPY (FROM read_csv(ignore_errors)) TO parquet` of the same file",
        baseline_seconds=baseline_seconds,
        goal="at most 2 times the baseline",
        met=seconds <= 2 * baseline_seconds,
        peak_mb=peak_mb,
        note="includes the second in which a file must not change; the baseline is the mean of a run before and after",
    )


def generate(file: Path, lines: int) -> None:
    """Five lines an order, a quarter without a buyer, some credit notes, product names with commas and quotes."""
    with duckdb.connect() as con:
        con.execute(
            """copy (
                select
                    case when o % 50 = 0 then 'C' else '' end || (500000 + o) as "InvoiceNo",
                    'S' || hash(i + $seed) % 5000 as "StockCode",
                    case hash(i + $seed) % 5000 % 20
                        when 0 then 'MUG, LARGE, NO. ' when 1 then '"VINTAGE" TIN NO. ' else 'WHITE HANGING HEART NO. '
                    end || hash(i + $seed) % 5000 as "Description",
                    case when i % 100000 = 99999 then 'six'
                        else (case when o % 50 = 0 then '-' else '' end) || (hash(i + $seed + 1) % 12 + 1)
                    end as "Quantity",
                    strftime(timestamp '2023-01-01' + interval (o * 60) second, '%Y-%m-%d %H:%M:%S') as "InvoiceDate",
                    (hash(i + $seed + 2) % 5000 / 100)::decimal(8, 2) as "UnitPrice",
                    case when o % 4 > 0 then 10000 + hash(o + $seed) % 200000 || '.0' end as "CustomerID",
                    'United Kingdom' as "Country"
                from (select i, i // 5 as o from range($lines) as lines(i))
            ) to '"""
            + str(file)
            + "' (header, delimiter ',')",
            {"seed": SEED, "lines": lines},
        )


def copy_to_parquet(file: Path, target: Path) -> None:
    """The baseline."""
    with duckdb.connect() as con:
        con.execute(f"copy (from read_csv('{file}', ignore_errors = true)) to '{target}'")


def land_file(file: Path, root: Path) -> tuple[int, int]:
    """Rows landed and quarantined by a fresh company that finds the file in its inbox."""
    shutil.rmtree(root, ignore_errors=True)
    inbox = root / "inbox" / "uk_orders"
    inbox.mkdir(parents=True)
    (inbox / file.name).hardlink_to(file)
    (root / "company.yml").write_text(COMPANY)
    company = load_company(root)
    result = land(company, company.sources[0], LandOptions("benchmark", None, None, None, datetime.now(UTC)))
    if result.error:
        raise RuntimeError(result.error)
    return result.rows_landed, result.rows_quarantined
