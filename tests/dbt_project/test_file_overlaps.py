"""Which of the files that speak about the same day count."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project.lake import Lake

STORE = {
    "store_id": "shop", "platform": "own_site", "region": "EU", "currency": "EUR", "timezone": "UTC",
    "opened_on": date(2026, 1, 1), "stage": "mature",
}  # fmt: skip
SOURCE = {"source_id": "drops", "system": "files", "store_id": "shop", "mapping": "m", "entity": "order_line"}


def line(file: str, order_id: str, day: int, *, replaces: bool = False) -> dict[str, Any]:
    return {
        "file_name": file, "file_hash": f"{file}{order_id}", "row_number": 2, "replaces_day": replaces,
        "row_kind": "sale", "order_id": order_id, "occurred_at": datetime(2026, 1, day, 12, tzinfo=UTC),
        "business_date": date(2026, 1, day), "sku": "A", "quantity": 1, "unit_price": Decimal(5), "currency": "EUR",
    }  # fmt: skip


def counted(lake: Lake) -> list[str]:
    return [order_id for (order_id,) in lake.rows("select order_id from intermediate.int_order_line order by 1")]


@pytest.mark.slow
def test_a_file_that_replaces_days_silences_older_files_about_them(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "data")
    lake.company([STORE], [SOURCE], reporting="EUR")
    lake.land("files", "drops", {"order_line": [line("a", "A1", 1), line("a", "A2", 2), line("a", "A3", 3)]})
    lake.land("files", "drops", {"order_line": [
        line("b", "B1", 1, replaces=True), line("c", "C1", 1, replaces=True), line("c", "C2", 2, replaces=True),
    ]})  # fmt: skip
    lake.build("+int_order_line")
    assert counted(lake) == ["A3", "C1", "C2"]
    # New content of c no longer speaks about the 2nd, so that a counts there again; plain d adds to what counts.
    lake.land("files", "drops", {"order_line": [line("c", "C3", 1, replaces=True), line("d", "D1", 1)]})
    lake.build("+int_order_line")
    assert counted(lake) == ["A2", "A3", "C3", "D1"]
