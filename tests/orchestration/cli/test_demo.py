"""The day on which the demo ends."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from orchestration.cli.demo import day_begun_everywhere


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 11, 25, 7, 59, tzinfo=UTC), date(2026, 11, 24)),  # the evening before, in Los Angeles
        (datetime(2026, 11, 25, 8, 2, tzinfo=UTC), date(2026, 11, 24)),  # Amazon does not tell the last minutes yet
        (datetime(2026, 11, 25, 8, 6, tzinfo=UTC), date(2026, 11, 25)),
        (datetime(2026, 11, 25, 23, 0, tzinfo=UTC), date(2026, 11, 25)),  # the next morning, in Tokyo
    ],
)
def test_the_demo_closes_no_day_that_is_not_over_in_each_of_its_stores(now: datetime, day: date) -> None:
    assert day_begun_everywhere(now) == day
