"""Small companies of files for the end-to-end tests, and what their published files say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from sandbox.company import environment
from sandbox.platforms.control import world_time
from sandbox.platforms.server import SandboxServer
from sandbox.platforms.state import State
from sandbox.world import simulate

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
# What a run says about itself; everything else must not depend on how often it was tried.
OF_THE_RUN = {"run_id", "load_id", "loaded_at", "landed_at", "started_at", "finished_at"}
JOURNALS = {"audit.load", "audit.alert", "audit.publication"}


def retail_company(root: Path, stores: Sequence[str], alerts: str = "", more: str = "") -> Path:
    """A company whose `stores` each have one source `<store>_orders` of `online_retail` files, and a Slack."""
    root.mkdir(parents=True, exist_ok=True)
    lines = ["name: Acme", "reporting_currency: GBP", "languages: [en]", "stores:"]
    lines += [
        f"  - {{id: {store}, platform: own_site, region: EU, currency: GBP, timezone: Europe/London,"
        " opened_on: 2024-03-01}"
        for store in stores
    ]
    lines.append("sources:")
    lines += [f"  - {{id: {store}_orders, system: files, store: {store}, mapping: online_retail}}" for store in stores]
    lines.append('slack: {channels: {default: "#kpi", data: "#kpi-data"}}')
    (root / "company.yml").write_text("\n".join(lines) + "\n" + more, encoding="utf-8")
    if alerts:
        (root / "alerts.yml").write_text(alerts, encoding="utf-8")
    for store in stores:
        (root / "inbox" / f"{store}_orders").mkdir(parents=True, exist_ok=True)
    return root


def drop_sales(root: Path, store: str, day: date, *lines: str) -> Path:
    """Put one day's file into the store's inbox; a line is `invoice,sku,quantity,price`."""
    rows = []
    for line in lines:
        invoice, sku, quantity, price = line.split(",")
        rows.append(f"{invoice},{sku},A thing,{quantity},{day} 10:00:00,{price},17850,United Kingdom")
    path = root / "inbox" / f"{store}_orders" / f"{day}.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


@contextmanager
def slack() -> Iterator[tuple[SandboxServer, Mapping[str, str]]]:
    """A Slack on loopback, and the environment that points at it."""
    start = date(2024, 3, 1)
    with SandboxServer(State(simulate(1, start, 2, 1, start), world_time(date(2024, 3, 3)))) as server:
        env = environment(server.url)
        yield server, {name: env[name] for name in ("SLACK_BOT_TOKEN", "SLACK_API_URL")}


def published(root: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query over the published file of a company."""
    with duckdb.connect(str(root / "data" / "published" / "company.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def published_tables(root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All published rows by table, without the journals of runs and what a run says about itself."""
    columns: dict[str, list[str]] = {}
    for table, column in published(
        root,
        "select table_schema || '.' || table_name, column_name from information_schema.columns"
        " where table_schema in ('core', 'kpi', 'audit') order by all",
    ):
        if table not in JOURNALS and column not in OF_THE_RUN:
            columns.setdefault(table, []).append(f'"{column}"')
    return {
        table: published(root, f"select {', '.join(names)} from {table} order by all")
        for table, names in columns.items()
    }
