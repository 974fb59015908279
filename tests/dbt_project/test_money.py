"""Money's macros against Python's Decimal, wherever DuckDB's short decimals end."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.dbt_project.lake import Lake

AMOUNTS = (
    "0", "0.00005", "-0.00005", "0.000049999", "0.00015", "3980", "-3980", "46.5", "29.123456789", "-29.12345",
    "9999.9999", "10000", "123456.785", "999999999.99994", "1000000000", "-12345678901.55555",
)  # fmt: skip
RATES = ("0.0067123456", "1", "0.1387654321", "9.9999999999", "163.2", "789.0000000001")
PLACES = Decimal("0.0001")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = Lake(tmp_path_factory.mktemp("money") / "data")
    made.build("int_run_context")
    return made


def test_money_is_rounded_half_up_to_four_places_at_any_size(lake: Lake) -> None:
    assert _computed(lake, "{{ money('amount') }}") == [_rounded(Decimal(a)) for a in AMOUNTS for _ in RATES]


def test_an_amount_at_a_rate_is_exact_before_it_is_rounded_once(lake: Lake) -> None:
    expected = [_rounded(Decimal(a) * Decimal(r)) for a in AMOUNTS for r in RATES]
    assert _computed(lake, "{{ converted('amount', \"'JPY'\", \"'USD'\", 'rate') }}") == expected


def test_an_amount_without_a_rate_is_null_and_nothing_is_nothing_at_any_rate(lake: Lake) -> None:
    missing = "{{ converted('amount', \"'JPY'\", \"'USD'\", 'cast(null as decimal(18, 10))') }}"
    assert _computed(lake, missing) == [None if Decimal(a) else Decimal(0) for a in AMOUNTS for _ in RATES]


def _rounded(exact: Decimal) -> Decimal:
    return exact.quantize(PLACES, ROUND_HALF_UP)


def _computed(lake: Lake, expression: str) -> list[Decimal | None]:
    rows = ", ".join(
        f"({n}, cast('{amount}' as decimal(28, 9)), cast('{rate}' as decimal(18, 10)))"
        for n, (amount, rate) in enumerate((a, r) for a in AMOUNTS for r in RATES)
    )
    query = f"select cast({expression} as varchar) from (values {rows}) as given (n, amount, rate) order by n"
    return [None if value is None else Decimal(value) for value in lake.show(query)]
