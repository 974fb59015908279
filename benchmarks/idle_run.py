"""Row 5: `kpi run` when no source has anything new: what a run costs before it does any work."""

import csv
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.harness import Row, in_child

GOAL_SECONDS, HOPE_SECONDS = 20, 12
DAYS = 365
LINES_PER_DAY = 100  # at scale 1
FIRST = datetime(2025, 1, 1, 9)  # noqa: DTZ001 (as a shop writes it, local and without a zone)
AS_OF = "2026-01-01"
COMPANY = f"""name: Idle Shop
reporting_currency: GBP
stores:
  - {{id: shop, platform: own_site, region: EU, currency: GBP, timezone: Europe/London, opened_on: {FIRST:%Y-%m-%d}}}
sources:
  - {{id: orders, system: files, store: shop, mapping: online_retail}}
"""


def measure(scale: float, folder: Path) -> Row:
    """Run a small company with one file source twice, and time the second run, in a process of its own.

    Raises:
        ValueError: a run did not publish; the message is what it printed.
    """
    root = folder / f"idle_{scale:g}"
    if not (root / "data" / "published").exists():
        _write_company(root, max(1, round(LINES_PER_DAY * scale)))
        run(root)
    seconds, _, peak_mb = in_child(run, root)
    start_seconds, _, _ = in_child(start, root)
    steps = _steps(root)
    return Row(
        5,
        f"kpi run with nothing new, warm ({DAYS} days, one store, one file source)",
        seconds,
        "kpi --help: Python and the command line",
        start_seconds,
        f"≤ {GOAL_SECONDS} s, then ≤ {HOPE_SECONDS} s",
        seconds <= GOAL_SECONDS,
        peak_mb,
        f"of it {_named(steps)}, {seconds - sum(steps.values()):.1f} s imports, checks, Dagster",
    )


def run(root: Path) -> float:
    """One `kpi run`; returns its peak resident memory in MB (0 where the system does not tell)."""
    _kpi("--company", str(root), "run", "--as-of", AS_OF)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6


def start(root: Path) -> None:
    """The least that any command costs."""
    _kpi("--company", str(root), "--help")


def _kpi(*arguments: str) -> None:
    program = "import sys; from orchestration.cli.main import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        raise ValueError(f"kpi {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-500:]}")


def _steps(root: Path) -> dict[str, float]:
    """Seconds by step, as the run itself recorded them."""
    lines = (root / "data" / "state" / "run" / "steps.jsonl").read_text("utf-8").splitlines()
    recorded = {line["step"]: line for line in map(json.loads, lines)}
    landed = sum(source["seconds"] for source in recorded["land"]["sources"])
    return {"land": landed} | {step: recorded[step]["seconds"] for step in ("build_core", "build_kpi", "publish")}


def _named(steps: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in steps.items())


def _write_company(root: Path, lines_per_day: int) -> None:
    inbox = root / "inbox" / "orders"
    inbox.mkdir(parents=True, exist_ok=True)
    (root / "company.yml").write_text(COMPANY, "utf-8")
    with (inbox / "orders.csv").open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(
            ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
        )
        for number in range(DAYS * lines_per_day):
            at = FIRST + timedelta(days=number // lines_per_day, minutes=number % lines_per_day % 600)
            sku = number * 7919 % 200
            rows.writerow(
                [number, f"S{sku}", f"Thing {sku}", 1 + number % 3, at, f"{2 + sku}.50", "", "United Kingdom"]
            )
