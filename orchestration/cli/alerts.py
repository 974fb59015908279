"""`kpi alerts list|test|send|history`."""

from __future__ import annotations

import os

import click

from orchestration.cli.common import EXIT_FAILED, RunProblem, company_of


@click.group()
def alerts() -> None:
    """State of the alerts, and their delivery."""


@alerts.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """Alerts that are not ok, the newest first."""
    from orchestration.alerts import list_alerts

    rows = list_alerts(company_of(ctx).root / "data" / "ops.sqlite")
    for row in rows:
        click.echo("  ".join(f"{key}={value}" for key, value in row.items() if value is not None))
    if not rows:
        click.echo("no open alerts")


@alerts.command()
@click.option("--limit", default=50, show_default=True, help="How many, the newest first.")
@click.pass_context
def history(ctx: click.Context, limit: int) -> None:
    """Every change, suppression and delivery."""
    from orchestration.alerts import history as read_history

    rows = read_history(company_of(ctx).root / "data" / "ops.sqlite", limit)
    for row in rows:
        click.echo("  ".join(f"{key}={value}" for key, value in row.items() if value is not None))
    if not rows:
        click.echo("no alert has been judged yet")


@alerts.command()
@click.pass_context
def test(ctx: click.Context) -> None:
    """Send one message to each configured channel."""
    from orchestration.alerts import send_test

    lines, arrived = send_test(company_of(ctx), os.environ)
    for line in lines:
        click.echo(line)
    if not arrived:
        ctx.exit(EXIT_FAILED)


@alerts.command()
@click.pass_context
def send(ctx: click.Context) -> None:
    """Send what waits in the outbox."""
    from orchestration.alerts import dispatch

    company = company_of(ctx)
    try:
        sent = dispatch(company.root / "data" / "ops.sqlite", company, os.environ)
    except OSError as error:
        raise RunProblem(f"the outbox {company.root / 'data' / 'ops.sqlite'} cannot be used: {error}") from error
    click.echo(f"{sent} sent")


commands = (alerts,)
