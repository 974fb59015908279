"""`kpi run`, `kpi backfill`, `kpi dev`."""

from __future__ import annotations

import json
import os
from datetime import date
from typing import TYPE_CHECKING

import click

from orchestration.cli.common import DAY, EXIT_FAILED, EXIT_HELD, RunProblem, UsageProblem, company_of, say
from orchestration.cli.progress import RunProgress
from orchestration.pipeline import Pipeline, RunOptions

if TYPE_CHECKING:
    from ingestion.company import Company
    from orchestration.run_summary import RunSummary

EXIT_CODES = {"published": 0, "failed": EXIT_FAILED, "held": EXIT_HELD}


def run_company(company: Company, options: RunOptions) -> RunSummary:
    """Execute the Dagster job in this process under the company's lock; raises RunProblem when another run holds it."""
    from orchestration.lock import AlreadyRunningError, run_lock

    try:
        with run_lock(company.root / "data" / "state"), RunProgress() as progress:
            from orchestration.in_process import execute

            return execute(company, options, progress)
    except AlreadyRunningError as error:
        raise RunProblem(str(error)) from error


def _check_options(company: Company, options: RunOptions) -> None:
    known = [source.id for source in company.sources]
    for source_id in options.sources:
        if source_id not in known:
            raise UsageProblem(f"no source {source_id!r} in company.yml; there are: {', '.join(known)}")
    if options.date_from and options.date_to and options.date_from > options.date_to:
        raise UsageProblem(f"--from {options.date_from} is after --to {options.date_to}")


def report(company: Company, summary: RunSummary, as_json: bool) -> None:
    """Print what the run did: one line per source, what was held and why, where the numbers are."""
    if as_json:
        click.echo(json.dumps(summary.to_json(), default=str))
        return
    for source in summary.sources:
        if source["error"]:
            say(f"{source['source_id']}: FAILED, {source['error']}")
        for warning in source["warnings"]:
            say(f"{source['source_id']}: {warning}")
    for warning in summary.warnings:
        say(f"warned, {warning}")
    for error in summary.errors:
        say(f"FAILED, {error}")
    for store_id, held in summary.held.items():
        say(f"{store_id}: HELD since {held['since']}: {held['check']}")
    landed, kept_out = (sum(s[name] for s in summary.sources) for name in ("rows_landed", "rows_quarantined"))
    checks, alerts = summary.checks, summary.alerts
    click.echo(
        f"{summary.status}: {landed} rows landed, {kept_out} quarantined; "
        f"checks {checks['passed']} passed, {checks['warned']} warned, {checks['failed']} failed; "
        f"alerts {alerts['opened']} opened, {alerts['recovered']} recovered, {alerts['sent']} sent; "
        f"{company.root / 'data' / 'published' / 'company.duckdb'}"
    )


@click.command()
@click.option("--source", "sources", multiple=True, metavar="ID", help="Land only this source (repeatable).")
@click.option("--from", "date_from", type=DAY, help="Earliest store-local day, included.")
@click.option("--to", "date_to", type=DAY, help="Last report day, included.")
@click.option("--as-of", type=DAY, help="The clock: days before this store-local day are closed.")
@click.option("--full-refresh", is_flag=True, help="Rebuild every table from the lake.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def run(
    ctx: click.Context,
    sources: tuple[str, ...],
    date_from: date | None,
    date_to: date | None,
    as_of: date | None,
    full_refresh: bool,
    as_json: bool,
) -> None:
    """Land, build, check, publish, alert. Exit 0 published, 1 failed, 2 usage, 3 something was held."""
    company = company_of(ctx)
    options = RunOptions(sources, date_from, date_to, as_of, full_refresh)
    _check_options(company, options)
    summary = run_company(company, options)
    report(company, summary, as_json)
    ctx.exit(EXIT_CODES[summary.status])


@click.command()
@click.option("--source", required=True, metavar="ID", help="The source to land again.")
@click.option("--from", "date_from", type=DAY, required=True, help="First store-local day, included.")
@click.option("--to", "date_to", type=DAY, required=True, help="Last store-local day, included.")
@click.pass_context
def backfill(ctx: click.Context, source: str, date_from: date, date_to: date) -> None:
    """Land a past window of one source again. Newer rows win, nothing is doubled; publish with `kpi run`."""
    from orchestration.lock import AlreadyRunningError, run_lock

    company = company_of(ctx)
    _check_options(company, RunOptions((source,), date_from, date_to))
    chosen = next(s for s in company.sources if s.id == source)
    try:
        with run_lock(company.root / "data" / "state"):
            result = Pipeline(company).backfill(chosen, date_from, date_to)
    except AlreadyRunningError as error:
        raise RunProblem(str(error)) from error
    for warning in (warning for resource in result.resources for warning in resource.warnings):
        say(f"{source}: {warning}")
    if result.error:
        raise RunProblem(f"{source}: {result.error}")
    click.echo(
        f"{source}: {result.rows_landed} rows landed, {result.rows_quarantined} quarantined; publish with `kpi run`"
    )


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port of the web page.")
@click.pass_context
def dev(ctx: click.Context, port: int) -> None:
    """Open Dagster with schedules and sensors. Each region runs in its own morning until Ctrl-C ends it."""
    import sys

    from orchestration.instance import dagster_home
    from orchestration.warehouse import PROJECT_DIR

    company = company_of(ctx)
    environment = {
        "PYTHONWARNINGS": "ignore",
        **os.environ,
        "KPI_COMPANY": str(company.root),
        "DAGSTER_HOME": str(dagster_home(company.root)),
    }
    workspace = PROJECT_DIR.parent / "workspace.yaml"
    arguments = [sys.executable, "-m", "dagster", "dev", "-w", str(workspace), "-p", str(port)]
    os.execve(sys.executable, arguments, environment)  # noqa: S606 - Dagster itself is to get the signals


commands = (run, backfill, dev)
