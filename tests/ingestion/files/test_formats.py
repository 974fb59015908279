"""One order table in every format, and texts that look like numbers in every notation."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.company import Company, load_company
from ingestion.landing import LandOptions, SourceResult, land
from ingestion.landing.lake import read_table

MAPPING = """\
entity: order_line
currency: JPY
timezone: Asia/Tokyo
columns:
  order_id: {from: [订单号, Order ID, 注文番号], required: true}
  occurred_at: {from: [付款时间, Paid at], required: true}
  sku: {from: [商品编码, SKU]}
  product_name: {from: [商品名称, Title]}
  quantity: {from: [数量, Qty], required: true}
  unit_price: {from: [单价, Price], required: true}
"""
CHINESE = ["订单号", "付款时间", "商品编码", "商品名称", "数量", "单价"]
MOMENT = datetime.fromisoformat("2026-01-02 00:30:00")
ROW = ["9007199254740993", "2026-01-02 00:30:00", "007", "保温杯", "2", "1500"]
Shop = Callable[..., Company]


@pytest.fixture
def shop(root: Path) -> Shop:
    def make(mapping: str = MAPPING) -> Company:
        (root / "mappings").mkdir(exist_ok=True)
        (root / "mappings" / "shop.yml").write_text(mapping, encoding="utf-8")
        company_file = root / "company.yml"
        company_file.write_text(company_file.read_text().replace("online_retail", "shop"))
        return load_company(root)

    return make


def run(company: Company) -> SourceResult:
    return land(company, company.sources[0], LandOptions("run", None, None, None, datetime.now(UTC)))


def landed(company: Company, columns: str = "*") -> list[dict[str, object]]:
    found = read_table(company.lake, "files", "uk_orders", "order_line", f"{columns}, _load_id")
    return found.to_pylist() if found is not None else []


def delimited(delimiter: str, encoding: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([CHINESE, ROW])
    return out.getvalue().encode(encoding)


def workbook() -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    sheet.append(CHINESE)
    sheet.append([ROW[0], MOMENT, "007", "保温杯", 2, 1500])
    book.save(out)
    return out.getvalue()


def jsonl() -> bytes:
    text = json.dumps(dict(zip(CHINESE, ROW, strict=True)) | {"数量": 2}, ensure_ascii=False)
    return text.replace('"9007199254740993"', "9007199254740993").replace('"1500"', "1500.0").encode()


def parquet() -> bytes:
    out = pa.BufferOutputStream()
    values = [[9007199254740993], [MOMENT], ["007"], ["保温杯"], [2], [Decimal("1500.00")]]
    pq.write_table(pa.table(dict(zip(CHINESE, values, strict=True))), out)
    return bytes(out.getvalue())


def parquet_with_a_zone() -> bytes:
    out = pa.BufferOutputStream()
    moments = pa.array([datetime(2026, 1, 1, 15, 30, tzinfo=UTC)], pa.timestamp("us", tz="UTC"))
    values = [[9007199254740993], moments, ["007"], ["保温杯"], [2], [1500.0]]
    pq.write_table(pa.table(dict(zip(CHINESE, values, strict=True))), out)
    return bytes(out.getvalue())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", delimited(",", "utf-8")),
        ("bom.csv", delimited(",", "utf-8-sig")),
        ("gb.csv", delimited(",", "gb18030")),
        ("a.tsv", delimited("\t", "gb18030")),
        ("a.xlsx", workbook()),
        ("a.jsonl", jsonl()),
        ("a.parquet", parquet()),
        ("zone.parquet", parquet_with_a_zone()),
    ],
)
def test_every_format_gives_the_same_row(shop: Shop, name: str, content: bytes) -> None:
    company = shop()
    (company.inbox("uk_orders") / name).write_bytes(content)
    result = run(company)
    assert (result.error, result.rows_landed, result.rows_quarantined) == (None, 1, 0)
    [row] = landed(company)
    # Past 2^53 a float would have ended in 2; the zeros of a SKU stay; half past midnight in Tokyo is a new day.
    assert (row["order_id"], row["sku"], row["product_name"]) == ("9007199254740993", "007", "保温杯")
    assert (row["quantity"], row["unit_price"], row["currency"]) == (2, Decimal("1500"), "JPY")
    assert (row["business_date"], row["occurred_at"]) == (date(2026, 1, 2), datetime(2026, 1, 1, 15, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("mark", "text", "price"),
    [
        (".", "1,234.50", "1234.50"),
        (".", "1,00,000", "100000"),
        (".", "12,50", None),
        (".", "-3.999999999", "-3.999999999"),
        (".", "12345678901.123456789", "12345678901.123456789"),
        (".", "abc", None),
        (",", "1.234,50", "1234.50"),
        (",", "12,5", "12.5"),
        (",", "12.50", None),
    ],
)
def test_a_separator_is_never_guessed(shop: Shop, mark: str, text: str, price: str | None) -> None:
    company = shop(MAPPING + f"decimal_mark: '{mark}'\ndelimiter: ';'\n")
    row = ";".join([*ROW[:5], text])
    (company.inbox("uk_orders") / "a.csv").write_text(";".join(CHINESE) + "\n" + row + "\n", encoding="utf-8")
    assert run(company).rows_quarantined == (price is None)
    assert [r["unit_price"] for r in landed(company)] == ([Decimal(price)] if price else [])


def test_numbers_of_a_workbook_need_no_decimal_mark(shop: Shop) -> None:
    company = shop(MAPPING + "decimal_mark: ','\n")
    book = openpyxl.Workbook()
    book.worksheets[0].append(CHINESE)
    book.worksheets[0].append([*ROW[:4], 2, 2.55])
    book.save(company.inbox("uk_orders") / "a.xlsx")
    run(company)
    assert [r["unit_price"] for r in landed(company)] == [Decimal("2.55")]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.jsonl", "a.parquet"])
def test_an_empty_or_damaged_file_is_one_line_and_the_rest_lands(shop: Shop, name: str) -> None:
    company = shop()
    (company.inbox("uk_orders") / name).write_bytes(b"" if name.endswith(("csv", "jsonl")) else b"PAR1 no more")
    (company.inbox("uk_orders") / "good.csv").write_bytes(delimited(",", "utf-8"))
    result = run(company)
    assert result.rows_landed == 1
    says = "it is empty" if name.endswith(("csv", "jsonl")) else f"not a readable {name[2:]} file"
    assert str(result.error).startswith(f"order_line: {name}: {says}") and "\n" not in str(result.error)


def test_a_file_of_a_header_only_lands_as_a_file_without_rows(shop: Shop) -> None:
    company = shop()
    (company.inbox("uk_orders") / "a.csv").write_text(",".join(CHINESE) + "\n", encoding="utf-8")
    result = run(company)
    assert (result.error, result.rows_landed, result.resources[0].status) == (None, 0, "landed")
    assert run(company).resources[0].status == "empty"


def test_an_unknown_column_is_reported_as_drift_and_stays_in_the_archive(shop: Shop) -> None:
    company = shop()
    text = ",".join([*CHINESE, "备注"]) + "\n" + ",".join([*ROW, "gift"]) + "\n"
    (company.inbox("uk_orders") / "a.csv").write_text(text, encoding="utf-8")
    result = run(company)
    assert (result.rows_landed, result.resources[0].warnings) == (
        1,
        ["column 备注 (string) is not in the declared order_line"],
    )
    [copy] = [path for path in company.archive.rglob("*") if path.is_file()]
    assert copy.read_text(encoding="utf-8") == text


def test_a_missing_required_column_names_file_column_and_mapping(shop: Shop) -> None:
    company = shop()
    (company.inbox("uk_orders") / "a.csv").write_text("订单号,付款时间,数量\n1,2026-01-02,1\n", encoding="utf-8")
    assert run(company).error == "order_line: a.csv: no column 单价 or Price, which mapping `shop` requires"


def test_json_lines_that_are_no_object_keep_their_line(shop: Shop) -> None:
    company = shop()
    (company.inbox("uk_orders") / "a.jsonl").write_bytes(jsonl() + b"\n\n[1]\n{broken\n" + jsonl())
    result = run(company)
    assert (result.rows_landed, result.rows_quarantined) == (2, 2)
    bad = read_table(company.lake, "files", "uk_orders", "meta_quarantine", "line, reason, _load_id")
    assert bad is not None and bad["line"].to_pylist() == [3, 4]
