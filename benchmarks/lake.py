"""A company with two years of trade, written straight into the lake in the form that landing gives it.

Three worlds of the sandbox (an Amazon US and an Amazon JP store each) become six stores, one load per source and
month. What makes a real lake slow to read is in it: an order that is cancelled later is there twice, the last ad days
of a month are there twice, a deferred payment is replaced by its release. Each product comes in 40 variants.
"""

import csv
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from benchmarks.trade import DAYS, END, MONTHS, RESTATED_DAYS, START, VARIANTS, ledger_start, make_tables
from sandbox import rates
from sandbox.catalogue import CHANGED_PURCHASE_FEN, CHANGED_SKU, PRODUCTS, STORES, Store, cost_change_day
from sandbox.company import ALERTS_YML

WORLDS = 3


@dataclass(frozen=True)
class Volume:
    """What a lake holds, each row counted once whatever its number of versions; `root` is the company folder."""

    root: Path
    order_lines: int
    ad_rows: int
    ledger_entries: int
    stores: int


def write_lake(root: Path, scale: float) -> Volume:
    """Write the company folder and its lake under `root`; 1 is 10 M order lines, 5 M ad rows, 3 M ledger entries.

    The same scale gives the same rows. A lake that is there already is used as it is.
    """
    known = root / "volume.json"
    if not known.exists():
        root.mkdir(parents=True, exist_ok=True)
        _write_company(root)
        counts = [_write_world(root / "data" / "lake", world, scale) for world in range(WORLDS)]
        lines, ads, entries = (sum(column) for column in zip(*counts, strict=True))
        known.write_text(json.dumps([lines, ads, entries]), "utf-8")
    lines, ads, entries = json.loads(known.read_text("utf-8"))
    return Volume(root, lines, ads, entries, WORLDS * len(STORES))


def _store_id(store: Store, world: int) -> str:
    return f"amazon_{store.key}_{world}"


def _write_company(root: Path) -> None:
    lines = ["name: Two Years Outdoor", "reporting_currency: USD", "stores:"]
    sources = ["sources:"]
    for world in range(WORLDS):
        for s in STORES:
            name = _store_id(s, world)
            lines.append(
                f"  - {{id: {name}, platform: amazon, region: {s.region}, currency: {s.currency}, "
                f"timezone: {s.timezone}, opened_on: {START}, stage: {s.stage}}}"
            )
            sources += [
                f"  - {{id: {name}_sp, system: amazon, store: {name}, marketplace: {s.region}, credentials: NONE}}",
                f"  - {{id: {name}_ads, system: amazon_ads, store: {name}, credentials: NONE}}",
            ]
    (root / "company.yml").write_text("\n".join([*lines, *sources]) + "\n", "utf-8")
    (root / "alerts.yml").write_text(ALERTS_YML, "utf-8")
    reference = root / "reference"
    reference.mkdir(exist_ok=True)
    with (reference / "products.csv").open("w", encoding="utf-8", newline="") as out:
        products = csv.writer(out)
        products.writerow(["sku", "product_id", "name", "category", "cost", "first_leg", "currency", "effective_from"])
        for product in PRODUCTS:
            versions = [(product.purchase_fen, START)]
            if product.sku == CHANGED_SKU:
                versions.append((CHANGED_PURCHASE_FEN, cost_change_day(END - timedelta(days=1))))
            for variant in range(VARIANTS):
                sku = f"{product.sku}-{variant:02d}"
                for fen, since in versions:
                    costs = Decimal(fen + variant) / 100, Decimal(product.first_leg_fen) / 100
                    products.writerow([sku, sku.lower(), product.name, product.category, *costs, "CNY", since])
    with (reference / "fx_rates.csv").open("w", encoding="utf-8", newline="") as out:
        quotes = csv.writer(out)
        quotes.writerow(["date", "base", "quote", "rate", "source"])
        for back in range(-rates.MAX_AGE_DAYS, DAYS):
            day = START + timedelta(days=back)
            for currency, rate in (rates.published(0, day) or {}).items():
                quotes.writerow([day, "EUR", currency, rate, "sandbox"])


def _write_world(lake: Path, world: int, scale: float) -> tuple[int, int, int]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
        make_tables(connection, world, scale)
        for number, store in enumerate(STORES):
            name = _store_id(store, world)
            for month in range(MONTHS):
                _write_load(
                    connection, lake, "amazon", f"{name}_sp", month, number, ("orders", "order_items", "transactions")
                )
                _write_load(connection, lake, "amazon_ads", f"{name}_ads", month, number, ("sp_advertised_product",))
        return (
            _count(connection, "SELECT count(*) FROM lines"),
            _count(connection, "SELECT count(*) FROM ads_final"),
            _count(connection, "SELECT count(*) FROM transactions"),
        )


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _write_load(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    system: str,
    source_id: str,
    month: int,
    store: int,
    tables: tuple[str, ...],
) -> None:
    """One complete load of one source: its data, what it says about itself, and the row that makes it visible."""
    first = date(START.year + month // 12, month % 12 + 1, 1)
    last = date(START.year + (month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)
    at = datetime(last.year, last.month, last.day, 23, 30, tzinfo=UTC)
    load_id = f"{int(at.timestamp())}.{month:06d}"
    folder = lake / system / source_id
    account = STORES[store].marketplace_id if system == "amazon" else str(STORES[store].profile_id)

    def write(table: str, query: str) -> None:
        (folder / table).mkdir(parents=True, exist_ok=True)
        connection.execute(f"COPY ({query}) TO '{folder / table / f'{load_id}.0000000000.parquet'}' (FORMAT parquet)")

    loaded, covered = [], []
    for table in tables:
        covered_from = max(first, ledger_start()) if table == "transactions" else first
        if covered_from > last:
            continue
        query = f"FROM {table} WHERE store = {store} AND load_month = {month}"
        write(table, f"SELECT * EXCLUDE (store, load_month) {query}")
        rows = _count(connection, f"SELECT count(*) {query}")
        resource = "orders" if table == "order_items" else table
        if table != "order_items":
            loaded.append(f"('{resource}', {rows})")
            covered.append(f"('{resource}', DATE '{covered_from}')")
    write(
        "meta_load",
        f"""
        SELECT resource, 'benchmark' AS run_id, CAST(NULL AS date) AS window_from, CAST(NULL AS date) AS window_to,
            CAST(NULL AS varchar) AS cursor_value, CAST(n AS bigint) AS rows_in, CAST(n AS bigint) AS rows_landed,
            CAST(0 AS bigint) AS rows_quarantined, TIMESTAMPTZ '{at}' AS started_at, TIMESTAMPTZ '{at}' AS finished_at,
            '[]' AS report_ids
        FROM (VALUES {", ".join(loaded)}) AS t (resource, n)
    """,
    )
    write(
        "meta_coverage",
        f"""
        SELECT resource, '{account}' AS account, CAST(unnest(generate_series(
            CAST(CASE WHEN resource = 'sp_advertised_product' AND {month} > 0 THEN since - {RESTATED_DAYS}
                ELSE since END AS timestamp), TIMESTAMP '{last}', INTERVAL 1 DAY)) AS date) AS day
        FROM (VALUES {", ".join(covered)}) AS t (resource, since)
    """,
    )
    (folder / "_dlt_loads").mkdir(exist_ok=True)
    visible = {"load_id": load_id, "schema_name": source_id, "status": 0, "inserted_at": at.isoformat()}
    (folder / "_dlt_loads" / f"{source_id}__{load_id}.jsonl").write_text(json.dumps(visible) + "\n", "utf-8")
