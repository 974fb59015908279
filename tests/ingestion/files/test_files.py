from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from ingestion.company import Company, load_company
from ingestion.landing import SourceResult
from ingestion.landing.lake import read_table, schemas
from tests.ingestion.conftest import HEADER

Drop = Callable[[str, str], Path]
Land = Callable[[], SourceResult]
GOOD = "1,A,Mug,2,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"


def rows(company: Company, table: str = "order_line") -> list[dict[str, object]]:
    found = read_table(company.lake, "files", "uk_orders", table)
    return found.to_pylist() if found is not None else []


def test_rows_are_typed_and_kinds_follow_the_mapping(company: Company, drop: Drop, land_files: Land) -> None:
    kinds = [
        GOOD,
        "C2,A,Mug,-1,2011-06-01 00:30:00,2.55,,France\n",
        "A3,B,Adjust,1,2010-12-01 08:26:00,-11062.06,,France\n",
        "4,B,,-3,2010-12-01 08:26:00,0,,France\n",
    ]
    drop("a.csv", HEADER + "".join(kinds))
    assert land_files().error is None
    sale, refund, *others = sorted(rows(company), key=lambda r: str(r["row_number"]))
    assert (sale["row_kind"], sale["unit_price"], sale["currency"]) == ("sale", Decimal("2.55"), "GBP")
    assert (refund["row_kind"], refund["buyer_key"], refund["business_date"]) == ("refund", None, date(2011, 6, 1))
    assert refund["occurred_at"].isoformat() == "2011-05-31T23:30:00+00:00"  # type: ignore[attr-defined]
    assert [r["row_kind"] for r in others] == ["adjustment", "adjustment"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("1,A,Mug,2\n", "4 columns, the header has 8"),
        ("1,A,Mug,two,2010-12-01 08:26:00,2.55,,UK\n", "Quantity is not a whole number"),
        ("1,A,Mug,2,01/12/2010,2.55,,UK\n", "InvoiceDate is not a time"),
        ('1,A,"Mug,2,2010-12-01 08:26:00,2.55,,UK\n', "unterminated quote"),
        ("1,A,Mug,2,2010-12-01 08:26:00,2.5O,,UK\n", "UnitPrice is not a number"),
    ],
)
def test_a_broken_row_is_quarantined_at_its_line_and_the_rest_lands(
    company: Company, drop: Drop, land_files: Land, broken: str, reason: str
) -> None:
    drop("a.csv", HEADER + GOOD + "\n" + broken + GOOD.replace("Mug", '"Mug, ""big"""') + GOOD.rstrip("\n"))
    result = land_files()
    assert (result.rows_landed, result.rows_quarantined) == (3, 1)
    [bad] = rows(company, "meta_quarantine")
    assert (bad["file"], bad["line"], bad["reason"]) == ("a.csv", 4, reason)


def test_bytes_of_another_encoding_spoil_only_their_row(company: Company, drop: Drop, land_files: Land) -> None:
    path = drop("a.csv", HEADER + GOOD.replace("Mug", "杯") + GOOD.replace("Mug", "碗"))
    path.write_bytes(path.read_bytes() + b"1,A,M\xff\xfeg,2,2010-12-01 08:26:00,2.55,,UK\n")
    assert (land_files().rows_landed, rows(company, "meta_quarantine")[0]["line"]) == (2, 4)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_encodings_and_windows_line_ends_are_read(
    company: Company, drop: Drop, land_files: Land, encoding: str
) -> None:
    path = drop("a.csv", "")
    path.write_bytes((HEADER + GOOD.replace("Mug", "保温杯")).replace("\n", "\r\n").encode(encoding))
    land_files()
    assert rows(company)[0]["product_name"] == "保温杯"


def test_the_same_content_counts_once_whatever_its_name(company: Company, drop: Drop, land_files: Land) -> None:
    drop("a.csv", HEADER + GOOD + GOOD)
    drop("b.csv", HEADER + GOOD + GOOD)
    assert land_files().rows_landed == 2
    drop("c.csv", HEADER + GOOD + GOOD)
    assert land_files().resources[0].status == "empty"
    assert len(rows(company)) == 2


def test_an_unreadable_file_is_named_and_the_others_land(company: Company, drop: Drop, land_files: Land) -> None:
    drop("a.csv", HEADER + GOOD)
    drop("b.csv", "x,y\n1,2\n")
    drop("c.doc", "words")
    result = land_files()
    assert (result.rows_landed, result.resources[0].status) == (1, "landed")
    assert "b.csv: no column InvoiceNo" in str(result.error) and "c.doc: unknown format" in str(result.error)


def test_a_file_that_grows_waits_for_the_next_run(
    company: Company, drop: Drop, land_files: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop("a.csv", HEADER + GOOD)
    with monkeypatch.context() as growing:
        growing.setattr("ingestion.files.inbox.wait", lambda s: drop("a.csv", path.read_text() + GOOD) and None)
        assert "still being written" in land_files().resources[0].warnings[0]
    assert land_files().rows_landed == 2


def test_no_customer_id_reaches_lake_or_archive(company: Company, drop: Drop, land_files: Land) -> None:
    drop("a.csv", HEADER + GOOD)
    land_files()
    [row] = rows(company)
    assert len(str(row["buyer_key"])) == 64
    [copy] = [p for p in company.archive.rglob("*") if p.is_file()]
    assert "17850" not in copy.read_text() and "United Kingdom" in copy.read_text()
    names = {column for _, column, _ in schemas(company.lake)}
    assert not {n for n in names if any(word in n for word in ("customer", "email", "phone", "address", "buyer_name"))}


def test_a_workbook_reads_like_a_csv(company: Company, drop: Drop, land_files: Land) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(HEADER.strip().split(","))
    sheet.append(["1", "A", "Mug", 2, "2010-12-01 08:26:00", 2.55, "1", "UK"])
    book.save(company.inbox("uk_orders") / "a.xlsx")
    land_files()
    assert rows(company)[0]["unit_price"] == Decimal("2.55")


@pytest.mark.shared_data
def test_the_real_sales_files_land_whole(shared: Path, company: Company, land_files: Land) -> None:
    for path in (shared / "data" / "online_retail").glob("*.csv"):
        (company.inbox("uk_orders") / path.name).symlink_to(path)
    assert land_files().rows_landed == 209_029
    kinds = [r["row_kind"] for r in rows(company)]
    assert (kinds.count("refund"), len(rows(company, "meta_file"))) == (3_783, 141)


@pytest.mark.shared_data
def test_the_real_ad_export_keeps_its_own_total(shared: Path, root: Path) -> None:
    text = (root / "company.yml").read_text().replace("online_retail", "meta_ads_export")
    (root / "company.yml").write_text(text)
    company = load_company(root)
    (company.inbox("uk_orders") / "ads.csv").symlink_to(shared / "data" / "meta_ads" / "KAG_conversion_data.csv")
    from datetime import UTC, datetime

    from ingestion.landing import LandOptions, land

    land(company, company.sources[0], LandOptions("run", None, None, None, datetime.now(UTC)))
    found = rows(company, "ad_daily")
    assert (len(found), sum(Decimal(str(r["spend"])) for r in found)) == (1143, Decimal("58705.229958205"))
