"""What every subcommand shares: the company option, exit codes, and errors that a person can act on."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ingestion.company import Company

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_HELD = 3


class Day(click.ParamType[date]):
    """An ISO date."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date; write it as 2026-01-31", param, ctx)


DAY = Day()


def company_of(ctx: click.Context) -> Company:
    """Load the company of `--company`; a wrong one ends with exit code 2 and says which line to mend."""
    from ingestion.company import CompanyError, load_company

    root = Path(ctx.find_root().params["company"]).resolve()
    if not (root / "company.yml").exists():
        raise UsageProblem(f"no company.yml in {root}; run `kpi init {root}`, or give --company or KPI_COMPANY")
    try:
        return load_company(root)
    except CompanyError as error:
        raise UsageProblem(str(error)) from error


class UsageProblem(click.ClickException):
    """Wrong usage or configuration."""

    exit_code = EXIT_USAGE


class RunProblem(click.ClickException):
    """The work itself failed."""

    exit_code = EXIT_FAILED


def say(message: str) -> None:
    """Progress and explanations go to stderr, so that stdout stays the answer."""
    click.echo(message, err=True)


def published_file(company: Company) -> Path:
    """The published DuckDB file. Raises RunProblem before the first publication."""
    path = company.root / "data" / "published" / "company.duckdb"
    if not path.exists():
        raise RunProblem(f"nothing is published yet ({path} is missing); run `kpi run` first")
    return path
