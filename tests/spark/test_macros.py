"""Every macro that the engines spell differently, on both: the same rows, and those that stand here."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.dbt_project.lake import Lake
from tests.spark.engines import TARGETS, Engine

pytestmark = [pytest.mark.spark, pytest.mark.slow]

LOS_ANGELES = "'America/Los_Angeles'"


def days(first: str, last: str) -> str:
    return (
        f"select cast(days.date as string) as value from (select cast({first} as date) as first_day, "
        f"cast({last} as date) as last_day) as span "
        "cross join lateral {{ each_day('first_day', 'last_day') }} as days"
    )


# Name: a query of one column that is text, and its values in order.
CASES: dict[str, tuple[str, list[str | None]]] = {
    "local_date_before_midnight": (
        "select cast({{ local_date('moment', \"" + LOS_ANGELES + '") }} as string) as value from '
        "(select cast('2026-01-10 07:59:00' as timestamp) as utc) as clock cross join lateral "
        "(select cast(cast(utc as string) || '+00:00' as {{ moment_type() }}) as moment) as clocks",
        ["2026-01-09"],
    ),
    "local_date_in_summer_time": (
        "select cast({{ local_date(\"cast('2026-07-10 06:30:00+00:00' as \" ~ moment_type() ~ ')', \""
        + LOS_ANGELES
        + '") }} as string) as value',
        ["2026-07-09"],
    ),
    "each_day_with_both_ends": (
        days("'2026-02-27'", "'2026-03-01'"), ["2026-02-27", "2026-02-28", "2026-03-01"],
    ),
    "each_day_the_wrong_way_round": (days("'2026-03-02'", "'2026-03-01'"), []),
    "each_day_without_an_end": (days("'2026-03-02'", "null"), []),
    "weekday_of_a_monday": (
        "select cast({{ weekday(\"cast('2026-03-02' as date)\") }} as string) as value", ["1"],
    ),
    "weekday_of_a_sunday": (
        "select cast({{ weekday(\"cast('2026-03-01' as date)\") }} as string) as value", ["7"],
    ),
    "days_apart": (
        "select cast({{ dbt.datediff(\"cast('2026-02-27' as date)\", \"cast('2026-03-01' as date)\", 'day') }}"
        " as string) as value",
        ["2"],
    ),
    "json_text_of_a_key": ("""select {{ json_text("'{\\"region\\": \\"US\\"}'", 'region') }} as value""", ["US"]),
    "json_text_of_no_json": ("""select {{ json_text("'region'", 'region') }} as value""", [None]),
    "exact_ratio_rounds_half_up": (
        "select cast({{ exact_ratio('5', '8', 2) }} as string) as value", ["0.63"],
    ),
    # 2 / 3 * 10 ** 17 needs more digits than a double has.
    "exact_ratio_beyond_a_double": (
        "select cast({{ exact_ratio('200000000000', '3', 6) }} as string) as value",
        ["66666666666.666667"],
    ),
    "exact_ratio_by_zero": ("select cast({{ exact_ratio('5', '0', 2) }} as string) as value", [None]),
    # 347.9079 / 6 is 57.98465, and the nearest double is below it.
    "money_ratio_rounds_half_up_at_either_side_of_zero": (
        "select cast({{ money_ratio('cast(347.9079 as decimal(38, 4))', 'cast(6 as bigint)') }} as string) || ' ' ||"
        " cast({{ money_ratio('cast(-347.9079 as decimal(38, 4))', 'cast(6 as bigint)') }} as string) as value",
        ["57.9847 -57.9847"],
    ),
    "money_rounds_half_up": (
        "select cast({{ money('cast(-1.00005 as decimal(20, 9))') }} as string) as value", ["-1.0001"],
    ),
    # Exactly 54794.0694499999999999997, which to 18 places first would end in …0695.
    "converted_keeps_every_digit": (
        "select cast({{ converted('cast(1.234567891 as decimal(20, 9))', \"'EUR'\", \"'USD'\","
        " 'cast(44383.1966224367 as decimal(18, 10))') }} as string) as value",
        ["54794.0694"],
    ),
    "unpivoted_columns_keep_their_nulls": (
        "select metric || coalesce('=' || cast(amount as string), '') as value"
        " from (select {{ rows_of_structs('listed') }} from (select"
        " {{ list_of_structs([{'metric': \"'gmv'\", 'amount': 'gmv'},"
        " {'metric': \"'refunds'\", 'amount': 'refunds'}]) }} as listed"
        " from (select 7 as gmv, cast(null as integer) as refunds) as wide"
        ") as entry) as unpivoted",
        ["gmv=7", "refunds"],
    ),
    "run_file_that_is_there": (
        "select store_id || ' ' || cast(since as string) as value from "
        "{{ run_file('held', {'store_id': 'varchar', 'since': 'date'}) }} as told",
        ["us 2026-03-01"],
    ),
    "run_file_that_is_absent": (
        "select store_id as value from {{ run_file('nothing', {'store_id': 'varchar'}) }} as told", [],
    ),
    "landed_rows_of_complete_loads": (
        "select order_id || ' ' || source_id || ' ' || load_id || ' ' || cast(grand_total as string) as value"
        " from {{ landed('amazon', 'orders') }} as lake_rows",
        ["O1 us_sp 1795000000.000002 1.500000000"],
    ),
    "landed_column_that_the_file_lacks": (
        "select status as value from {{ landed('amazon', 'orders') }} as lake_rows", [None],
    ),
    "landed_table_of_a_system_that_nobody_configured": (
        "select sku as value from {{ landed('mabang', 'products') }} as lake_rows", [],
    ),
    "landed_table_of_every_system": (
        "select distinct system || ' ' || source_id || ' ' || cast(day as string) as value"
        " from {{ landed('landing', 'meta_coverage') }} as lake_rows",
        ["amazon us_sp 2026-01-09"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, spark_tables: Path) -> Path:
    root = tmp_path_factory.mktemp("macros") / "data"
    lake = Lake(root)
    lake.company([], [])
    order = {"order_id": "O1", "created_at": "2026-01-10 07:59:00+00", "grand_total": Decimal("1.5")}
    coverage = {"resource": "orders", "account": "US", "day": date(2026, 1, 9)}
    lake.land("amazon", "us_sp", {"orders": [order], "meta_coverage": [coverage]})
    lake.land("amazon", "us_sp", {"orders": [order | {"order_id": "O2"}]}, complete=False)
    with duckdb.connect() as connection:  # as an older version of the connector wrote it
        path = root / "lake" / "amazon" / "us_sp" / "orders" / "1795000000.000002.part.parquet"
        connection.execute(f"COPY (SELECT order_id, grand_total FROM '{path}') TO '{path}.narrow' (FORMAT parquet)")
        Path(f"{path}.narrow").replace(path)
    run = root / "state" / "run"
    run.mkdir(parents=True)
    (run / "held.jsonl").write_text(json.dumps({"store_id": "us", "since": "2026-03-01", "check": "c"}) + "\n")
    return root


Answers = Callable[[str], dict[str, list[str | None]]]


@pytest.fixture(scope="module")
def answers(data: Path) -> Answers:
    """All cases in one query per engine: to start dbt takes longer than any of them."""
    found: dict[str, dict[str, list[str | None]]] = {}

    def of(engine: str) -> dict[str, list[str | None]]:
        if engine not in found:
            dbt = Engine(engine, data)
            dbt.build("stg_landing__visible_load")
            parts = [f"select '{name}' as macro, 1 as n, value from ({query})" for name, (query, _) in CASES.items()]
            rows = dbt.rows(" union all ".join(parts) + " order by macro, value")
            found[engine] = {name: [row[2] for row in rows if row[0] == name] for name in CASES}
        return found[engine]

    return of


@pytest.mark.parametrize("engine", TARGETS)
@pytest.mark.parametrize("case", CASES)
def test_macro_gives_the_same_rows_on_both_engines(answers: Answers, engine: str, case: str) -> None:
    assert answers(engine)[case] == CASES[case][1]
