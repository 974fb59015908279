"""`kpi init`, `kpi check`."""

from __future__ import annotations

from pathlib import Path

import click

from orchestration.cli.common import EXIT_FAILED, UsageProblem, company_of


@click.command()
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.pass_context
def init(ctx: click.Context, directory: Path | None) -> None:
    """Write a commented company folder."""
    from ingestion.company import CompanyError
    from ingestion.company.template import write_template

    target = directory or Path(ctx.find_root().params["company"])
    try:
        write_template(target)
    except CompanyError as error:
        raise UsageProblem(str(error)) from error
    click.echo(
        f"wrote {target}: describe your stores in {target / 'company.yml'}, then run `kpi --company {target} check`"
    )


@click.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Validate the configuration, try each source."""
    from ingestion.connector import SourceError
    from ingestion.registry import connect

    company = company_of(ctx)
    click.echo(f"company.yml: ok, stores {len(company.stores)}, sources {len(company.sources)}")
    click.echo(f"alerts.yml: ok, rules {len(company.alert_rules)}")
    failed = False
    for source in company.sources:
        try:
            click.echo(f"{source.id}: ok, {connect(company, source).check()}")
        except SourceError as error:
            failed = True
            click.echo(f"{source.id}: FAILED, {error}")
    if failed:
        ctx.exit(EXIT_FAILED)


commands = (init, check)
