"""Exchange rates of the simulated world: a slow wander around plausible levels, published on weekdays only."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

import numpy as np

LEVELS = {"USD": Decimal("1.0900"), "JPY": Decimal("163.20"), "CNY": Decimal("7.8300"), "GBP": Decimal("0.8560")}
MAX_AGE_DAYS = 7


@lru_cache(maxsize=4096)
def published(seed: int, day: date) -> dict[str, Decimal] | None:
    """Units of each currency for one euro, as a central bank would publish them; None on weekends."""
    if day.weekday() >= 5:
        return None
    wander = np.random.default_rng([seed, 77, day.toordinal()]).integers(-60, 61, len(LEVELS))
    slow = int(200 * np.sin(day.toordinal() / 23))
    quotes = {}
    for (currency, level), step in zip(LEVELS.items(), wander.tolist(), strict=True):
        exact = level * (Decimal(10_000 + step + slow) / Decimal(10_000))
        quotes[currency] = exact.quantize(level, ROUND_HALF_UP)
    return quotes


def rate(seed: int, day: date, base: str, quote: str) -> Decimal | None:
    """1 `base` = rate `quote` on a day, to 10 places; a weekend carries the last rate for at most 7 days."""
    if base == quote:
        return Decimal(1)
    for back in range(MAX_AGE_DAYS + 1):
        quotes = published(seed, day - timedelta(days=back))
        if quotes is not None:
            euro = {"EUR": Decimal(1), **quotes}
            return (euro[quote] / euro[base]).quantize(Decimal("1e-10"), ROUND_HALF_UP)
    return None
