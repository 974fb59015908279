"""Row 2: land 1 M nested Amazon orders from JSON pages, against what dlt does with them by default into DuckDB."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dlt
import dlt.destinations

import ingestion.landing.engine as engine
from benchmarks.harness import Row, in_child
from ingestion.company import Company, Source, load_company
from ingestion.connector import Connector
from ingestion.landing import LandOptions
from ingestion.platforms.amazon import orders
from ingestion.platforms.amazon.client import SellingPartner

ORDERS, PAGE, SEED = 1_000_000, 100, 20_260
BASELINE_SHARE = 10  # dlt's default takes over an hour for all of them
FIRST = datetime(2025, 3, 2, tzinfo=UTC)
COMPANY = """\
name: Benchmark
reporting_currency: USD
stores:
  - {id: us, platform: amazon, region: US, currency: USD, timezone: America/Los_Angeles, opened_on: 2025-03-01}
sources:
  - {id: us_sp, system: amazon, store: us, marketplace: US, credentials: BENCHMARK}
"""


def measure(scale: float, folder: Path) -> Row:
    """Land `scale` x 1 M orders of one to three items each, 100 a page, from a file of pages in `folder`."""
    count = max(PAGE, round(ORDERS * scale) // PAGE * PAGE)
    file = folder / f"order_pages_{count}.jsonl"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        generate(file, count)
    seconds, peak_mb, landed = in_child(land_pages, file, folder / "company_orders")
    baseline_pages = max(1, count // PAGE // BASELINE_SHARE)
    baseline_seconds, _, loaded = in_child(load_by_default, file, baseline_pages, folder / "dlt_default")
    for name, found, pages in (("the connector", landed, count // PAGE), ("dlt's default", loaded, baseline_pages)):
        if found != (written := _written(file, pages)):
            raise ValueError(f"{written} orders and items were written, {name} landed {found}")
    times = count // PAGE / baseline_pages
    whole_seconds = baseline_seconds * times
    return Row(
        number=2,
        work=f"land {count:,} nested Amazon orders from JSON pages ({file.stat().st_size / 1e6:,.0f} MB) by their "
        "connector",
        seconds=seconds,
        baseline="dlt's default: the same orders as dicts into DuckDB, nested lists as child tables",
        baseline_seconds=whole_seconds,
        goal="at least 10 times faster than the baseline",
        met=seconds * 10 <= whole_seconds,
        peak_mb=peak_mb,
        note=f"the baseline is what {baseline_pages * PAGE:,} orders took ({baseline_seconds:.1f} s) times {times:g}; "
        "pages are read from disk: neither side waits for a network or for Amazon's rate limit",
    )


def generate(file: Path, count: int) -> None:
    """Pages as `searchOrders` gives them, one a line."""
    rng = random.Random(SEED)
    partial = file.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as out:
        for first in range(0, count, PAGE):
            page: dict[str, Any] = {"orders": [_order(rng, first + n) for n in range(PAGE)]}
            if first + PAGE < count:
                page["pagination"] = {"nextToken": str(first + PAGE)}
            out.write(json.dumps(page, separators=(",", ":")) + "\n")
    partial.replace(file)


def _order(rng: random.Random, number: int) -> dict[str, Any]:
    created = FIRST + timedelta(seconds=20 * number)
    items = [_item(rng, 10 * number + n) for n in range(rng.choice((1, 1, 2, 3)))]
    total = sum(float(item["proceeds"]["proceedsTotal"]["amount"]) for item in items)
    return {
        "orderId": f"{100 + number % 899}-{number:07d}-{rng.randrange(10**7):07d}",
        "createdTime": f"{created:%Y-%m-%dT%H:%M:%SZ}",
        "lastUpdatedTime": f"{created + timedelta(hours=rng.randrange(1, 72)):%Y-%m-%dT%H:%M:%SZ}",
        "salesChannel": {
            "channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER", "marketplaceName": "Amazon.com",
        },
        "fulfillment": {"fulfillmentStatus": rng.choice(("SHIPPED", "UNSHIPPED")), "fulfilledBy": "AMAZON"},
        "proceeds": {"grandTotal": _money(total)},
        "orderItems": items,
    }  # fmt: skip


def _item(rng: random.Random, number: int) -> dict[str, Any]:
    quantity, price, product = rng.randrange(1, 4), rng.randrange(500, 9000) / 100, rng.randrange(2000)
    tax, discount = round(price * quantity * 0.08, 2), rng.choice((0.0, 0.0, 1.5))
    parts = [
        {"type": "ITEM", "subtotal": _money(price * quantity)},
        {"type": "TAX", "subtotal": _money(tax), "detailedBreakdowns": [{"subtype": "ITEM", "value": _money(tax)}]},
    ]
    if discount:
        share = {"subtype": "ITEM", "value": _money(-discount)}
        parts.append({"type": "DISCOUNT", "subtotal": _money(-discount), "detailedBreakdowns": [share]})
    return {
        "orderItemId": str(50_000_000_000_000 + number),
        "quantityOrdered": quantity,
        "product": {
            "asin": f"B0{product:08d}", "title": f"Camping lantern no. {product}", "sellerSku": f"SKU-{product}",
            "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"}, "price": {"unitPrice": _money(price)},
        },
        "proceeds": {"proceedsTotal": _money(price * quantity + tax - discount), "breakdowns": parts},
        "fulfillment": {"quantityFulfilled": quantity, "quantityUnfulfilled": 0},
    }  # fmt: skip


def _money(amount: float) -> dict[str, str]:
    return {"amount": f"{amount:.2f}", "currencyCode": "USD"}


class _Pages:
    """Stands where the account's HTTP calls are: answers each with the next line of the file."""

    def __init__(self, file: Path) -> None:
        self._lines = file.open("rb")

    def read(self, method: str, url: str, read: Callable[[bytes], Any], *, params: dict[str, str] | None = None) -> Any:
        """The next page as `read` understands it."""
        return read(next(self._lines))


def land_pages(file: Path, root: Path) -> tuple[int, int]:
    """Orders and items landed by a fresh company."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    (root / "company.yml").write_text(COMPANY)
    (root / ".env").write_text("BENCHMARK_CLIENT_ID=a\nBENCHMARK_CLIENT_SECRET=b\nBENCHMARK_REFRESH_TOKEN=c\n")
    company = load_company(root)

    def connect(company: Company, source: Source) -> Connector:
        account = SellingPartner(source)
        account.account = _Pages(file)  # type: ignore[assignment]
        return Connector([orders.resource(account)], lambda: "pages on disk")

    with patch.object(engine, "connect", connect):
        result = engine.land(company, company.sources[0], LandOptions("benchmark", None, None, None, datetime.now(UTC)))
    if result.error:
        raise RuntimeError(result.error)
    from ingestion.landing.lake import read_table

    orders_landed, items_landed = (
        table["n"][0].as_py() if table is not None else 0
        for table in (
            read_table(company.lake, "amazon", "us_sp", name, "count(*) as n, max(_load_id) as _load_id")
            for name in ("orders", "order_items")
        )
    )
    return orders_landed, items_landed


def load_by_default(file: Path, pages: int, folder: Path) -> tuple[int, int]:
    """The baseline: what a new user of dlt writes, for the first `pages` of the file."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    database = folder / "default.duckdb"
    pipeline = dlt.pipeline(
        "default", pipelines_dir=str(folder / "state"), destination=dlt.destinations.duckdb(str(database)),
        dataset_name="landed",
    )  # fmt: skip
    pipeline.run(_dicts(file, pages), table_name="orders").raise_on_failed_jobs()
    orders_loaded, items_loaded = (_rows(pipeline, name) for name in ("orders", "orders__order_items"))
    return orders_loaded, items_loaded


def _rows(pipeline: dlt.Pipeline, table: str) -> int:
    with pipeline.sql_client() as client:
        found = client.execute_sql(f"select count(*) from {table}")
    return int(found[0][0]) if found else 0


def _dicts(file: Path, pages: int) -> Iterator[list[dict[str, Any]]]:
    with file.open("rb") as lines:
        for line in islice(lines, pages):
            yield json.loads(line)["orders"]


def _written(file: Path, pages: int) -> tuple[int, int]:
    """Orders and items on the first pages of the file."""
    with file.open("rb") as lines:
        return pages * PAGE, sum(line.count(b'"orderItemId"') for line in islice(lines, pages))
