"""`python -m ingestion.landing --company DIR [--source ID]`: landing alone."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from ingestion.company import CompanyError, load_company
from ingestion.landing import LandOptions, SourceResult, land_all


def main() -> int:
    """Land and print one line a source; 0 when all landed, 1 when one failed, 2 for a wrong company folder."""
    parser = argparse.ArgumentParser(prog="python -m ingestion.landing", description="Land sources into the lake.")
    parser.add_argument("--company", type=Path, default=Path("company"))
    parser.add_argument("--source", action="append")
    parser.add_argument("--as-of", type=date.fromisoformat)
    args = parser.parse_args()
    try:
        company = load_company(args.company)
    except CompanyError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    now = datetime.now(UTC)
    options = LandOptions(f"landing-{now:%Y%m%dT%H%M%S}", None, None, args.as_of, now)
    chosen = [s for s in company.sources if not args.source or s.id in args.source]
    results = land_all(company, chosen, options, _print)
    return int(any(result.error for result in results))


def _print(result: SourceResult) -> None:
    counts = f"{result.rows_landed} rows landed, {result.rows_quarantined} quarantined, {result.seconds:.1f} s"
    sys.stdout.write(f"{result.source_id}: {counts}{', FAILED: ' + result.error if result.error else ''}\n")
    for resource in result.resources:
        for warning in resource.warnings:
            sys.stdout.write(f"  {warning}\n")


if __name__ == "__main__":
    sys.exit(main())
