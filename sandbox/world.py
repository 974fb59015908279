"""The simulated company's orders: vectorised, one seeded generator per store and day, so that more days extend a world.

Amounts are integers in minor units (US cents, yen), moments are epoch seconds, products are positions in PRODUCTS.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from sandbox.catalogue import PRODUCTS, STORES, Store, price_of, products_of

NEVER = np.int64(2**62)
HOUR = 3600
DAY = 24 * HOUR
STOCKED_OUT_SKU = "STOVE-01"
STOCK_OUT_DAYS = 5
Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, eq=False)
class World:
    """A whole simulated company: what was decided, not what is visible yet.

    `orders`: store, day (ordinal), seq, order_id, created, cancelled, cancel_requested, shipped, replaced_order_id.
    `items`: order (row of `orders`), item_id, product, quantity, price, discount, shipping, shipping_discount, tax,
    points, cancelled, refunded (moment), refund_kept (share of the commission kept, percent).
    """

    seed: int
    start: date
    days: int
    orders_per_day: int
    story_day: date
    orders: pd.DataFrame
    items: pd.DataFrame

    @cached_property
    def items_by_order(self) -> tuple[Ints, Ints]:
        """First and past-last row of `items` for each row of `orders`."""
        order = self.items["order"].to_numpy()
        rows = np.arange(len(self.orders))
        return np.searchsorted(order, rows, "left"), np.searchsorted(order, rows, "right")

    @cached_property
    def order_records(self) -> list[dict[str, Any]]:
        """`orders` as plain Python values, one per row."""
        return [{str(k): v for k, v in record.items()} for record in self.orders.to_dict("records")]

    @cached_property
    def item_records(self) -> list[dict[str, Any]]:
        """`items` as plain Python values, one per row."""
        return [{str(k): v for k, v in record.items()} for record in self.items.to_dict("records")]

    def day_at(self, index: int) -> date:
        """The calendar day at a position from the start."""
        return self.start + timedelta(days=index)


def stocked_out(store: Store, day: date, story_day: date) -> bool:
    """Whether STOCKED_OUT_SKU has no sellable unit in this store on this day (a planted story)."""
    return store.key == "us" and -2 <= (story_day - day).days < STOCK_OUT_DAYS


def order_id(store: Store, day: date, seq: int) -> str:
    """Amazon's 3-7-7 form."""
    return f"{store.order_prefix}-{day.toordinal():07d}-{seq:07d}"


def _demand(store: Store, day: date, story_day: date, orders_per_day: int) -> float:
    weekday = (0.95, 0.92, 0.95, 1.0, 1.05, 1.1, 1.03)[day.weekday()]
    season = 1.0 + 0.25 * np.sin(2 * np.pi * (day.timetuple().tm_yday - 80) / 365)
    story = 0.15 if store.key == "us" and day == story_day else 1.0  # a suppressed listing: sales drop for a day
    return float(orders_per_day * store.share * weekday * season * story)


def _simulate_day(
    seed: int, store_no: int, day: date, start: date, story_day: date, orders_per_day: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    store = STORES[store_no]
    rng = np.random.default_rng([seed, store_no, day.toordinal()])
    n = max(4, int(rng.poisson(_demand(store, day, story_day, orders_per_day))))
    begin, end = store.day_start(day), store.day_start(day + timedelta(days=1))
    created = np.sort(begin + (rng.random(n) * (end - begin)).astype(np.int64))
    created[0], created[-1] = begin + 10, end - 30  # either side of local midnight: another day in UTC
    fate = rng.random(n)
    fate[0], fate[-1] = 0.5, 0.5
    if n > 4:
        fate[1] = 0.005  # every day has a late cancellation
    late = fate < 0.012
    whole = fate < 0.03
    delay = np.where(late, rng.integers(DAY, 3 * DAY, n), rng.integers(600, 2 * HOUR, n))
    cancelled = np.where(whole, created + delay, NEVER)
    requested = np.where((fate >= 0.04) & (fate < 0.06), created + HOUR, NEVER)
    shipped = np.where(whole, NEVER, created + rng.integers(4 * HOUR, 40 * HOUR, n))
    origin = day - timedelta(days=6)
    replacement = (fate > 0.988) & (origin >= start)
    origins = np.array([order_id(store, origin, 2 + i % 2) if r else "" for i, r in enumerate(replacement)], object)
    lines = 1 + (rng.random(n) < 0.18) + (rng.random(n) < 0.05)
    lines[replacement] = 1
    orders = {
        "store": np.full(n, store_no),
        "day": np.full(n, day.toordinal()),
        "seq": np.arange(n),
        "created": created,
        "order_id": np.array([order_id(store, day, i) for i in range(n)], object),
        "cancelled": cancelled,
        "cancel_requested": requested,
        "shipped": shipped,
        "replaced_order_id": origins,
    }

    owner = np.repeat(np.arange(n), lines)
    m = len(owner)
    first = np.concatenate(([True], owner[1:] != owner[:-1]))
    sold = [
        p for p in products_of(store) if not (PRODUCTS[p].sku == STOCKED_OUT_SKU and stocked_out(store, day, story_day))
    ]
    weights = np.array([PRODUCTS[p].weight for p in sold], float)
    product = rng.choice(np.array(sold), m, p=weights / weights.sum())
    quantity = 1 + (rng.random(m) < 0.12) + (rng.random(m) < 0.03)
    prices = np.array([price_of(p, store) or 0 for p in PRODUCTS], np.int64)
    free = replacement[owner]
    price = np.where(free, 0, prices[product])
    gross = price * quantity
    discount = np.where(rng.random(m) < 0.15, gross * 10 // 100, 0)
    pays = first & (rng.random(m) < 0.2) & ~free
    shipping = np.where(pays, 499 if store.minor == 100 else 410, 0)
    shipping_discount = np.where(rng.random(m) < 0.5, shipping, 0)
    tax = (gross - discount) * 8 // 100 if store.minor == 100 else np.zeros(m, np.int64)
    points = gross // 100 if store.minor == 1 else np.zeros(m, np.int64)
    points = np.where(rng.random(m) < 0.3, points, 0)
    partial = (fate[owner] >= 0.03) & (fate[owner] < 0.045) & ~first  # a line leaves an order that stays
    item_cancelled = np.where(partial, created[owner] + 3 * HOUR, cancelled[owner])

    live = (item_cancelled == NEVER) & ~free
    refund_after = rng.integers(2 * DAY, 20 * DAY, m)
    refunded = np.where(live & (rng.random(m) < 0.04), shipped[owner] + refund_after, NEVER)
    age = (story_day - day).days
    if store.key == "us" and 6 <= age <= 12:  # a bad batch: its refunds are all posted on two days
        struck = live & (rng.random(m) < 0.09)
        spike = store.day_start(story_day - timedelta(days=3)) + rng.integers(HOUR, 40 * HOUR, m)
        refunded = np.where(struck, spike, refunded)
    base = np.int64(30_000_000_000_000_000) + (day.toordinal() * 2 + store_no) * np.int64(1_000_000)
    items = {
        "owner": owner,
        "item_id": base + np.arange(m),
        "product": product,
        "quantity": quantity,
        "price": price,
        "discount": discount,
        "shipping": shipping,
        "shipping_discount": shipping_discount,
        "tax": tax,
        "points": points,
        "cancelled": item_cancelled,
        "refunded": refunded,
        "refund_kept": np.where(rng.random(m) < 0.3, 100, 20),
    }
    return orders, items


def simulate(seed: int, start: date, days: int, orders_per_day: int, story_day: date | None = None) -> World:
    """Simulates every store from `start` for `days` local days at about `orders_per_day` orders over all stores.

    `story_day` is the day on which the planted stories culminate (the last closed day of a demo); it defaults to the
    last day. The same arguments give the same world; more days, with the same story day, only add rows.
    """
    story_day = story_day or start + timedelta(days=days - 1)
    order_parts: list[dict[str, Any]] = []
    item_parts: list[dict[str, Any]] = []
    offset = 0
    for index in range(days):
        for store_no in range(len(STORES)):
            day = start + timedelta(days=index)
            orders, items = _simulate_day(seed, store_no, day, start, story_day, orders_per_day)
            items["order"] = items.pop("owner") + offset
            offset += len(orders["created"])
            order_parts.append(orders)
            item_parts.append(items)
    return World(seed, start, days, orders_per_day, story_day, _stack(order_parts), _stack(item_parts))


def _stack(parts: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
