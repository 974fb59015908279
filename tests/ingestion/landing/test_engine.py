import resource as limits
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from ingestion.company import Company, load_company
from ingestion.connector import (
    ArchivedFile,
    Connector,
    Covered,
    Cursor,
    Event,
    FileLanded,
    Request,
    Resource,
    Rows,
    SourceError,
)
from ingestion.landing import LandOptions, SourceResult, land, land_all
from ingestion.landing.lake import last_cursor, read_table
from tests.ingestion.conftest import HEADER

SCHEMA = pa.schema([("order_id", pa.string()), ("grand_total", pa.decimal128(20, 9))])
OPTIONS = LandOptions("run", None, None, None, datetime(2026, 1, 2, tzinfo=UTC))


def orders(request: Request) -> Iterator[Event]:
    yield Rows("orders", pa.table({"order_id": ["1"], "grand_total": [Decimal("1.5")]}, SCHEMA))
    yield Covered("US", [date(2026, 1, 1)])
    yield Cursor("2026-01-01")


def broken(request: Request) -> Iterator[Event]:
    yield from orders(request)
    raise SourceError("the token was revoked: renew X_REFRESH_TOKEN")


def unbalanced(request: Request) -> Iterator[Event]:
    yield from orders(request)
    yield FileLanded("report", ArchivedFile("a", "b", "c", 1), rows_in=3, rows_landed=1, rows_quarantined=0)


def use(monkeypatch: pytest.MonkeyPatch, **extracts: object) -> None:
    resources = [
        Resource(name, {"orders": SCHEMA}, extract)  # type: ignore[arg-type]
        for name, extract in extracts.items()
    ]
    connector = Connector(resources, lambda: "ok")
    monkeypatch.setattr("ingestion.landing.engine.connect", lambda company, source: connector)


def test_a_failing_resource_leaves_nothing_and_the_others_land(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, transactions=broken, orders=orders)
    result = land(company, company.sources[0], OPTIONS)
    assert [r.status for r in result.resources] == ["failed", "landed"]
    assert result.error == "transactions: the token was revoked: renew X_REFRESH_TOKEN"
    found = read_table(company.lake, "files", "uk_orders", "orders")
    assert found is not None and found.num_rows == 1
    assert last_cursor(company.lake, "files", "uk_orders", "orders") == "2026-01-01"
    assert last_cursor(company.lake, "files", "uk_orders", "transactions") is None


def test_rows_that_go_missing_fail_the_load(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, orders=unbalanced)
    result = land(company, company.sources[0], OPTIONS)
    assert "3 rows in, but 1 landed and 0 quarantined" in str(result.error)
    assert read_table(company.lake, "files", "uk_orders", "orders") is None


def test_reference_lands_first_and_only_when_it_changed(company: Company, root: Path) -> None:
    (root / "reference").mkdir()
    rates = root / "reference" / "fx_rates.csv"
    rates.write_text("date,base,quote,rate,source\n2026-01-01,EUR,USD,1.1,ecb\n2026-01-02,EUR,USD,much,ecb\n")
    heard: list[SourceResult] = []
    first = land_all(company, company.sources, OPTIONS, heard.append)
    assert heard[0].source_id == "reference" and first[0].rows_quarantined == 1
    assert land_all(company, [], OPTIONS)[0].resources[0].status == "empty"
    rates.write_text("date,base,quote,rate,source\n2026-01-01,EUR,USD,1.2,ecb\n")
    assert land_all(load_company(root), [], OPTIONS)[0].rows_landed == 1
    found = read_table(company.lake, "files", "reference", "fx_rates", "rate, _load_id")
    assert found is not None
    assert found["rate"].to_pylist() == [Decimal("1.1"), Decimal("1.2")]


def test_a_full_disk_is_one_clear_line_and_the_next_run_lands_all(company: Company, root: Path) -> None:
    lines = "".join(f"{n},A,Mug {n * 7919},2,2010-12-01 08:26:00,2.55,,UK\n" for n in range(60_000))
    (root / "inbox" / "uk_orders" / "a.csv").write_text(HEADER + lines)
    script = (
        "import sys, pathlib, datetime as d, ingestion.files.inbox as c\n"
        "from ingestion.company import load_company\nfrom ingestion.landing import LandOptions, land\n"
        "c.wait = lambda s: None\ncompany = load_company(pathlib.Path(sys.argv[1]))\n"
        "r = land(company, company.sources[0], LandOptions('r', None, None, None, d.datetime.now(d.UTC)))\n"
        "print(r.error)"
    )

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits.setrlimit(limits.RLIMIT_FSIZE, (200_000, 200_000))

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(root)],
        preexec_fn=limited,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "a file grew over the allowed size" in done.stdout, done.stderr
    assert land(company, company.sources[0], OPTIONS).error is None
    found = read_table(company.lake, "files", "uk_orders", "order_line")
    assert found is not None and found.num_rows == 60_000
