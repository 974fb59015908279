"""`kpi demo`: the real pipeline, over HTTP, against a simulated company on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

import click

from orchestration.cli.common import EXIT_FAILED, RunProblem, say
from orchestration.cli.run import report, run_company
from orchestration.pipeline import RunOptions

if TYPE_CHECKING:
    from ingestion.company import Company

DEMO = Path("demo")
LAST_ZONE = ZoneInfo("America/Los_Angeles")
"""Of the sandbox's stores, the one whose days end last."""
A_WHILE = timedelta(minutes=5)
"""Amazon tells nothing of the last minutes, so a day that has just ended is not known whole."""
STOCK_MORNINGS = 3


@contextmanager
def sandbox_served(directory: Path, days: int, orders_per_day: int, seed: int, as_of: date) -> Iterator[dict[str, Any]]:
    """The sandbox in a process of its own, gone when the block ends. It dies with this process: its stdin closes."""
    arguments: list[object] = ["--dir", directory, "--days", days, "--orders-per-day", orders_per_day]
    arguments += ["--seed", seed, "--as-of", as_of]
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RunProblem(f"the sandbox ended with code {process.wait()} before it was ready; see above")
        yield json.loads(line)
    finally:
        if process.stdin:
            process.stdin.close()
        process.terminate()
        process.wait()


def day_begun_everywhere(now: datetime) -> date:
    """The newest day that has begun in all of the sandbox's stores: the days before it are over, by the real clock."""
    return (now - A_WHILE).astimezone(LAST_ZONE).date()


@click.command()
@click.option("--days", default=60, show_default=True, help="Days of history to simulate.")
@click.option("--orders-per-day", default=60, show_default=True, help="Orders per day, both stores together.")
@click.option("--seed", default=7, show_default=True, help="Same seed, same company.")
@click.option("--keep", is_flag=True, help="Continue the company in ./demo instead of starting anew.")
@click.pass_context
def demo(ctx: click.Context, days: int, orders_per_day: int, seed: int, keep: bool) -> None:
    """Run a sandbox company into ./demo. Simulate, serve, land, build, check, publish, alert."""
    from ingestion.company import load_company

    if DEMO.exists() and not keep:
        shutil.rmtree(DEMO)
    as_of = day_begun_everywhere(datetime.now(UTC))
    say(f"simulating {days} days of a company with an Amazon US and an Amazon JP store, seed {seed}")
    with sandbox_served(DEMO, days, orders_per_day, seed, as_of) as served:
        os.environ.update(served["env"])
        company = load_company(DEMO.resolve())
        _land_stock_of_past_mornings(company, served["url"], as_of)
        summary = run_company(company, RunOptions(as_of=as_of))
        messages = _control(served["url"], "slack")
    _show(company.root, messages)
    report(company, summary, as_json=False)
    if summary.status == "failed":
        ctx.exit(EXIT_FAILED)


def _control(url: str, name: str, wish: dict[str, str] | None = None) -> Any:
    """Ask the sandbox's own controls, or tell them `wish`."""
    body = None if wish is None else json.dumps(wish).encode()
    with urlopen(Request(f"{url}/_control/{name}", body)) as answer:  # noqa: S310 (loopback, our own sandbox)
        return json.load(answer)


def _land_stock_of_past_mornings(company: Company, url: str, as_of: date) -> None:
    """Read the stock as daily runs before this one would have: a report says what is there now, never what was."""
    from ingestion.landing import LandOptions, land

    for day in (as_of - timedelta(days=back) for back in range(STOCK_MORNINGS, 0, -1)):
        _control(url, "clock", {"as_of": day.isoformat()})
        options = LandOptions(f"demo-stock-{day}", None, None, day, datetime.now(UTC), {"fba_inventory"})
        for source in company.sources:
            if source.system == "amazon":
                land(company, source, options)
    _control(url, "clock", {"as_of": as_of.isoformat()})


def _show(root: Path, messages: Any) -> None:
    from orchestration import query
    from orchestration.render import render

    published = root / "data" / "published" / "company.duckdb"
    if published.exists():
        metrics = ["gmv", "orders", "refund_rate", "ad_spend", "tacos", "gross_profit", "contribution_margin"]
        frame = query.query(published, metrics, by=["store_id"], grain="week", date_from=None, date_to=None, where=[])
        click.echo(render(frame.tail(12), "table"))
    listed = messages["messages"] if isinstance(messages, dict) else messages
    click.echo(f"{len(listed)} Slack messages:")
    for message in listed:
        click.echo(f"  {message.get('channel', '')}  {message.get('text', '')}")
    click.echo(f"written: {published}\n         {root / 'data' / 'quality'}\n         {root / 'data' / 'lake'}")
    click.echo("look further: .venv/bin/kpi --company demo query gmv,orders --by store_id --grain month")


commands = (demo,)
