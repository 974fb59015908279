"""`kpi query`, `kpi explain`, `kpi quality`, `kpi export`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from orchestration.cli.common import DAY, RunProblem, UsageProblem, company_of, published_file


@click.command()
@click.argument("metrics")
@click.option("--by", default="", help="Dimensions, comma-separated: store_id, region, platform, category, …")
@click.option(
    "--grain",
    type=click.Choice(["day", "week", "month", "quarter", "year"]),
    help="One row per period; without it, one over all days.",
)
@click.option("--from", "date_from", type=DAY, help="First store-local day, included.")
@click.option("--to", "date_to", type=DAY, help="Last store-local day, included.")
@click.option("--where", multiple=True, help='For example "region = US" (repeatable).')
@click.option(
    "--format",
    "output",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="For a person, a spreadsheet, a program.",
)
@click.pass_context
def query(
    ctx: click.Context,
    metrics: str,
    by: str,
    grain: str | None,
    date_from: date | None,
    date_to: date | None,
    where: tuple[str, ...],
    output: str,
) -> None:
    """Read METRICS from the published file. Separate several by commas."""
    from orchestration import query as engine
    from orchestration.render import render

    path = published_file(company_of(ctx))
    try:
        frame = engine.query(
            path,
            [m.strip() for m in metrics.split(",") if m.strip()],
            by=[d.strip() for d in by.split(",") if d.strip()],
            grain=grain,
            date_from=date_from,
            date_to=date_to,
            where=list(where),
        )
    except engine.QueryError as error:
        raise UsageProblem(str(error)) from error
    click.echo(render(frame, output), nl=False)


@click.command()
@click.argument("metric")
@click.option("--scope", default="company", show_default=True, help="Scope id: company, a store, a region, …")
@click.option("--period", default=None, help="A day, a month (2026-01) or a year.")
@click.pass_context
def explain(ctx: click.Context, metric: str, scope: str, period: str | None) -> None:
    """Say why a number is this number. Definition, inputs, rates, sources, freshness, version."""
    from orchestration.explain import explain as engine
    from orchestration.query import QueryError

    try:
        click.echo(engine(published_file(company_of(ctx)), metric, scope=scope, period=period))
    except QueryError as error:
        raise UsageProblem(str(error)) from error


@click.command()
@click.option("--open", "open_page", is_flag=True, help="Open the Data Docs in a browser.")
@click.pass_context
def quality(ctx: click.Context, open_page: bool) -> None:
    """Last verdicts and the Data Docs path."""
    from orchestration.evidence import newest

    company = company_of(ctx)
    run = newest(company)
    if run is None:
        raise RunProblem("no checks have run yet; run `kpi run` first")
    broken = {"fail": 0, "warn": 0}
    for verdict in run["verdicts"]:
        mark = "ok" if verdict["passed"] else verdict["severity"]
        broken[verdict["severity"]] += not verdict["passed"]
        store = verdict["store_id"] or "all"
        click.echo(f"{mark:<4}  {verdict['suite']:<13} {verdict['check']}  {store}  {verdict['observed']}")
    for failure in run.get("build_failures", []):
        click.echo(f"fail  build         {failure}")
    failed, warned = broken["fail"] + len(run.get("build_failures", [])), broken["warn"]
    passed = len(run["verdicts"]) - broken["fail"] - warned
    page = company.root / "data" / "quality" / "index.html"
    click.echo(f"run {run['run_id']}: {passed} passed, {warned} warned, {failed} failed; {page}")
    if open_page:
        click.launch(page.as_uri())


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--format",
    "output",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
    help="Parquet keeps the types.",
)
@click.pass_context
def export(ctx: click.Context, directory: Path, output: str) -> None:
    """Write all published tables to DIRECTORY. The data is the company's own."""
    import duckdb

    path = published_file(company_of(ctx))
    with duckdb.connect(str(path), read_only=True) as published:
        tables = published.sql(
            "select table_schema, table_name from information_schema.tables "
            "where table_schema in ('kpi', 'core', 'audit') order by all"
        ).fetchall()
        for schema, table in tables:
            target = directory / schema / f"{table}.{output}"
            target.parent.mkdir(parents=True, exist_ok=True)
            rows = published.sql(f'select * from "{schema}"."{table}"')
            if output == "csv":
                rows.write_csv(str(target))
            else:
                rows.write_parquet(str(target))
    click.echo(f"{len(tables)} tables written to {directory}")


commands = (query, explain, quality, export)
