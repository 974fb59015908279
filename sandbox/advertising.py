"""Sponsored Products of the simulated company: what each ad-day is in the end, and how much of it shows by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from sandbox.catalogue import PRODUCTS, STORES, Store, price_of, products_of
from sandbox.world import World

WINDOWS = (1, 7, 14, 30)
SPEND_SHOWN = (900, 970, 990)  # per mille of the final spend by age in days; whole from day 3 on
LEAK_DAYS = 5
CAMPAIGNS = 3
FIRST_CAMPAIGN = 400_000_000_000_000_001  # beyond 2^53, as Amazon's are


@dataclass(frozen=True)
class AdRow:
    """One advertised product on one day; money in minor units; sales, purchases by attribution window in days."""

    day: date
    campaign_id: int
    ad_group_id: int
    ad_id: int
    product: int
    impressions: int
    clicks: int
    cost: int
    sales: dict[int, int]
    purchases: dict[int, int]
    units_7d: int


def _final(world: World, store: Store, day: date) -> list[AdRow]:
    number = STORES.index(store)
    rng = np.random.default_rng([world.seed, 500 + number, day.toordinal()])
    leak = store.key == "jp" and 0 <= (world.story_day - day).days < LEAK_DAYS
    rows = []
    for position, product in enumerate(products_of(store)):
        impressions = int(rng.poisson(40 * PRODUCTS[product].weight * world.orders_per_day / 5))
        clicks = int(rng.binomial(impressions, 0.012))
        bid = 62 if store.minor == 100 else 48
        cost = int(clicks * bid * rng.integers(80, 121) // 100) * (5 if leak else 1)
        bought = int(rng.binomial(clicks, 0.09))
        price = price_of(PRODUCTS[product], store) or 0
        halo = {window: bought + int(rng.binomial(bought, 0.04 * i)) for i, window in enumerate(WINDOWS)}
        halo = {w: max(n for v, n in halo.items() if v <= w) for w in WINDOWS}
        campaign = FIRST_CAMPAIGN + number * 1000 + position % CAMPAIGNS
        rows.append(
            AdRow(
                day,
                campaign,
                campaign + 10_000,
                campaign + 100_000 + 10 * position,
                product,
                impressions,
                clicks,
                cost,
                {w: n * price for w, n in halo.items()},
                halo,
                halo[7],
            )
        )
    return rows


@lru_cache(maxsize=8192)
def final_rows(world: World, store: Store, day: date) -> tuple[AdRow, ...]:
    """The ad rows of a day when nothing restates any more; none outside the world."""
    if not 0 <= (day - world.start).days < world.days:
        return ()
    return tuple(_final(world, store, day))


def final_spend(world: World, store: Store, day: date) -> int:
    """Final ad cost of a store-day in minor units."""
    return sum(row.cost for row in final_rows(world, store, day))


def shown_rows(world: World, store: Store, day: date, now: int) -> list[AdRow]:
    """The same rows as a report shows them at world time: spend settles in 3 days, sales within their window.

    One product's row of every tenth day is withdrawn (invalid traffic) once it is 4 days old.
    """
    age = (store.local_day(now) - day).days
    if age < 0:
        return []
    spend = SPEND_SHOWN[age] if age < len(SPEND_SHOWN) else 1000
    rows = []
    for position, row in enumerate(final_rows(world, store, day)):
        if position == 1 and day.toordinal() % 10 == 0 and age >= 4:
            continue
        shares = {w: _share(age, w) for w in WINDOWS}
        purchases = {w: row.purchases[w] * shares[w] // 1000 for w in WINDOWS}
        unit = {w: row.sales[w] // row.purchases[w] if row.purchases[w] else 0 for w in WINDOWS}
        clicks = row.clicks * spend // 1000
        rows.append(
            AdRow(
                row.day,
                row.campaign_id,
                row.ad_group_id,
                row.ad_id,
                row.product,
                row.impressions,
                clicks,
                row.cost * spend // 1000,
                {w: purchases[w] * unit[w] for w in WINDOWS},
                purchases,
                purchases[7],
            )
        )
    return rows


def _share(age: int, window: int) -> int:
    """Per mille of a window's conversions that have happened and been counted at an age in days."""
    return min(1000, 550 + 450 * age // window)


def days_between(first: date, last: date) -> list[date]:
    """Both ends included."""
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]
