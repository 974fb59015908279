"""`python -m benchmarks`: measure, print a table, and with --write keep it in RESULTS.md."""

import argparse
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from benchmarks.harness import Row

HERE = Path(__file__).resolve().parent
MODULES = {1: "land_csv", 2: "land_orders", 3: "daily_kpis", 5: "idle_run"}
ON_REQUEST = {9: "spark_build"}  # needs the extra `spark` and Java
PACKAGES = ("duckdb", "pyarrow", "dlt", "dbt-core", "dbt-duckdb", "great-expectations", "dagster")


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 0, or 1 where a benchmark could not be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", type=int, action="append", choices=sorted(MODULES | ON_REQUEST), help="a row (repeatable)"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="1 is the size that the goals name")
    parser.add_argument("--folder", type=Path, default=HERE / ".data", help="scratch, kept for the next time")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md beside this file")
    args = parser.parse_args(argv)
    args.folder.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    broken = False
    for number in args.only or sorted(MODULES):
        module = (MODULES | ON_REQUEST)[number]
        print(f"row {number}: {module} at scale {args.scale:g}", file=sys.stderr, flush=True)
        measure: Callable[[float, Path], Row] = import_module(f"benchmarks.{module}").measure
        try:
            rows.append(measure(args.scale, args.folder.resolve()))
        except Exception as error:  # the other rows are measured all the same
            broken = True
            print(f"row {number} could not be measured: {error}", file=sys.stderr)
    text = results(rows, args.scale)
    print(text)
    if args.write:
        (HERE / "RESULTS.md").write_text(text + "\n", "utf-8")
    return int(broken)


def results(rows: list[Row], scale: float) -> str:
    """The text of RESULTS.md: machine and versions, a table with a line per row, and the rows' notes."""
    lines = [
        "# How fast it is",
        "",
        "Measured by `make bench`. Every figure stands against a baseline of the same minute, on the same machine and",
        "data; the goals and what they are measured on are in the docstrings of `benchmarks/`.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, scale {scale:g}, {_machine()}; Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        + ".",
        "",
        "| # | work | seconds | baseline | its seconds | ratio | goal | met | peak MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows = sorted(rows, key=lambda row: row.number)
    for row in rows:
        ratio = row.seconds / row.baseline_seconds if row.baseline_seconds else 0
        lines.append(
            f"| {row.number} | {row.work} | {row.seconds:.1f} | {row.baseline} | {row.baseline_seconds:.1f} "
            f"| {ratio:.2f} | {row.goal} | {'yes' if row.met else 'no'} | {row.peak_mb:,.0f} |"
        )
    return "\n".join([*lines, "", *(f"{row.number}: {row.note}." for row in rows if row.note)])


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    model = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():
        names = [line.split(":", 1)[1].strip() for line in described.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB"


if __name__ == "__main__":
    sys.exit(main())
