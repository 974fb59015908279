"""Files that speak about the same days, and files that are still being written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ingestion.company import Company, load_company
from ingestion.files.mapping import SHIPPED
from ingestion.landing import SourceResult
from ingestion.landing.lake import read_table
from tests.ingestion.conftest import HEADER

Drop = Callable[[str, str], Path]
Land = Callable[[], SourceResult]
FIRST = "1,A,Mug,2,2010-12-01 08:26:00,2.55,,UK\n"
SECOND = "2,A,Mug,2,2010-12-02 08:26:00,2.55,,UK\n"


@pytest.fixture(params=["add", "replace_day", "quarantine"])
def mode(request: pytest.FixtureRequest, root: Path) -> str:
    (root / "mappings").mkdir()
    text = (SHIPPED / "online_retail.yml").read_text(encoding="utf-8")
    (root / "mappings" / "online_retail.yml").write_text(f"{text}on_overlap: {request.param}\n", encoding="utf-8")
    return str(request.param)


@pytest.fixture
def company(root: Path, mode: str) -> Company:
    return load_company(root)


def orders(company: Company) -> list[tuple[str, str, bool]]:
    found = read_table(company.lake, "files", "uk_orders", "order_line")
    rows = found.to_pylist() if found is not None else []
    return sorted((row["file_name"], row["order_id"], row["replaces_day"]) for row in rows)


@pytest.mark.parametrize("together", [True, False])
def test_another_file_for_a_landed_day_is_handled_as_the_mapping_says(
    company: Company, drop: Drop, land_files: Land, mode: str, together: bool
) -> None:
    drop("a.csv", HEADER + FIRST)
    first = None if together else land_files()
    drop("b.csv", HEADER + SECOND + FIRST)
    result = land_files()
    replaces = mode == "replace_day"
    if mode == "quarantine":
        assert result.error == "order_line: b.csv: covers 2010-12-01, which a.csv has landed already"
        assert orders(company) == [("a.csv", "1", False)]
    else:
        assert result.error is None
        does = "replaces" if replaces else "adds to"
        assert result.resources[0].warnings == [f"b.csv {does} 2010-12-01, which a.csv has landed already"]
        assert orders(company) == [("a.csv", "1", replaces), ("b.csv", "1", replaces), ("b.csv", "2", replaces)]
    assert first is None or first.resources[0].warnings == []


def test_new_content_under_an_old_name_is_no_overlap(company: Company, drop: Drop, land_files: Land, mode: str) -> None:
    drop("a.csv", HEADER + FIRST)
    land_files()
    drop("a.csv", HEADER + FIRST + FIRST)
    result = land_files()
    assert (result.error, result.rows_landed, result.resources[0].warnings) == (None, 2, [])


def test_the_wait_is_what_is_left_of_a_second_since_the_newest_file_was_looked_at(
    root: Path, drop: Drop, land_files: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    ticks = iter([10.0, 10.25, 10.5])
    monkeypatch.setattr("ingestion.files.inbox.clock", lambda: next(ticks))
    monkeypatch.setattr("ingestion.files.inbox.wait", waits.append)
    drop("a.csv", HEADER + FIRST)
    drop("b.csv", HEADER + SECOND)
    assert land_files().rows_landed == 2
    assert waits == [0.75]


def test_a_file_that_changes_while_it_is_read_lands_nothing_until_the_next_run(
    company: Company, drop: Drop, land_files: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop("a.csv", HEADER + FIRST)
    from ingestion.files import connector

    read = connector.read_records

    def reading(*args: object) -> object:
        records = read(*args)  # type: ignore[arg-type]
        path.write_text(HEADER + FIRST + SECOND)
        return records

    with monkeypatch.context() as growing:
        growing.setattr("ingestion.files.connector.read_records", reading)
        assert "a.csv changed while it was read" in str(land_files().error)
    assert land_files().rows_landed == 2
