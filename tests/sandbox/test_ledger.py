"""The oracle agrees with a recount of what the platforms answered, and the world is what it promises to be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import requests

from sandbox import rates
from sandbox.catalogue import STORES
from sandbox.ledger import Ledger
from sandbox.platforms.control import world_time
from sandbox.world import World, simulate
from tests.sandbox.conftest import AS_OF, JP, US
from tests.sandbox.test_platforms import _orders, _transactions

Call = Callable[..., requests.Response]
ZONES = {"us": ZoneInfo("America/Los_Angeles"), "jp": ZoneInfo("Asia/Tokyo")}
MARKETS = {"us": US, "jp": JP}


def _day(moment: str, store: str) -> date:
    return datetime.fromisoformat(moment).astimezone(ZONES[store]).date()


def _ledger(world: World, store: str) -> dict[date, dict[str, Any]]:
    return {r["date"]: r for r in Ledger(world).daily(AS_OF) if r["store_id"] == f"amazon_{store}"}


@pytest.mark.parametrize("store", ["us", "jp"])
def test_sales_of_the_ledger_equal_a_recount_of_the_orders_answered(world: World, sp: Call, store: str) -> None:
    gmv: dict[date, Decimal] = defaultdict(Decimal)
    orders: dict[date, int] = defaultdict(int)
    cancelled: dict[date, int] = defaultdict(int)
    for order in _orders(sp, store, MARKETS[store]):
        day = _day(order["createdTime"], store)
        if "associatedOrders" in order:
            continue
        if order["fulfillment"]["fulfillmentStatus"] == "CANCELLED":
            cancelled[day] += 1
            continue
        orders[day] += 1
        for item in order["orderItems"]:
            if "cancellationExecution" not in item.get("cancellation", {}):
                parts = {p["type"]: p["subtotal"]["amount"] for p in item["proceeds"]["breakdowns"]}
                gmv[day] += Decimal(parts["ITEM"])
    for day, row in _ledger(world, store).items():
        expected = (gmv[day], orders[day], cancelled[day])
        assert (row["gmv_native"], row["orders"], row["cancelled_orders"]) == expected


@pytest.mark.parametrize("store", ["us", "jp"])
def test_refunds_and_fees_of_the_ledger_equal_a_recount_of_the_transactions_answered(
    world: World, sp: Call, store: str
) -> None:
    found = _transactions(sp, store)[0]
    origins = {t["transactionId"]: t["postedDate"] for t in found}
    refunds: dict[date, Decimal] = defaultdict(Decimal)
    commission: dict[date, Decimal] = defaultdict(Decimal)
    fulfilment: dict[date, Decimal] = defaultdict(Decimal)
    for transaction in found:
        if transaction["transactionStatus"] == "DEFERRED_RELEASED":
            continue
        related = {r["relatedIdentifierName"]: r["relatedIdentifierValue"] for r in transaction["relatedIdentifiers"]}
        first = origins.get(related.get("DEFERRED_TRANSACTION_ID", ""), transaction["postedDate"])
        day = _day(first, store)
        items = transaction["items"] if transaction["transactionType"] in ("Shipment", "Refund") else [transaction]
        for leaf in (leaf for item in items for top in item["breakdowns"] for leaf in top["breakdowns"]):
            amount = Decimal(str(leaf["breakdownAmount"]["currencyAmount"]))
            kind = leaf["breakdownType"]
            if transaction["transactionType"] == "Refund" and kind in ("OurPricePrincipal", "OurPriceDiscount"):
                refunds[day] -= amount
            if kind in ("Commission", "RefundCommission", "Subscription"):
                commission[day] -= amount
            if kind == "FBAPerUnitFulfillmentFee":
                fulfilment[day] -= amount
    rows = _ledger(world, store)
    assert sum(row["refunds_native"] for row in rows.values()) > 0
    for day, row in rows.items():
        assert row["refunds_native"] == refunds[day]
        assert row["platform_fees_native"] == commission[day]
        assert row["fulfilment_fees_native"] == fulfilment[day]


def test_contribution_is_null_while_the_ledger_lacks_an_order_and_known_later(world: World) -> None:
    day = AS_OF - timedelta(days=1)
    early = {r["date"]: r for r in Ledger(world).daily(AS_OF)}[day]
    late = {r["date"]: r for r in Ledger(world).daily(AS_OF, world_time(AS_OF) + 5 * 86_400)}[day]
    assert early["contribution_profit"] is None
    assert early["platform_fees"] is None
    assert early["gross_profit"] is not None
    assert late["contribution_profit"] is not None


def test_the_same_seed_gives_the_same_world_and_more_days_only_add_rows(world: World) -> None:
    longer = simulate(world.seed, world.start, world.days + 5, world.orders_per_day, world.story_day)
    pd.testing.assert_frame_equal(longer.orders.iloc[: len(world.orders)], world.orders)
    pd.testing.assert_frame_equal(longer.items.iloc[: len(world.items)], world.items)
    assert len(longer.orders) > len(world.orders)
    other = simulate(world.seed + 1, world.start, 5, world.orders_per_day, world.story_day)
    assert other.orders["created"].tolist() != world.orders["created"].tolist()[: len(other.orders)]


def test_every_order_lies_in_its_local_day_also_on_a_day_of_23_hours(world: World) -> None:
    us = STORES[0]
    spring = date(2026, 3, 8)
    assert us.day_start(spring + timedelta(days=1)) - us.day_start(spring) == 23 * 3600
    for record in world.order_records:
        assert STORES[record["store"]].local_day(record["created"]).toordinal() == record["day"]


def test_some_orders_fall_on_another_day_in_utc(world: World) -> None:
    utc = (world.orders["created"] // 86_400 + date(1970, 1, 1).toordinal()) != world.orders["day"]
    assert 0 < utc.sum() < len(world.orders)


def test_a_weekend_carries_the_last_rate() -> None:
    friday, sunday = date(2026, 3, 13), date(2026, 3, 15)
    assert rates.rate(7, sunday, "JPY", "USD") == rates.rate(7, friday, "JPY", "USD")
    assert rates.published(7, sunday) is None


def test_the_planted_stories_are_there(world: World) -> None:
    us, jp = _ledger(world, "us"), _ledger(world, "jp")
    story = world.story_day
    assert us[story]["gmv"] < us[story - timedelta(days=7)]["gmv"] / 2
    assert us[story - timedelta(days=3)]["refund_rate"] > Decimal("0.2")
    assert jp[story]["acos"] > Decimal("0.6")
    stock = Ledger(world).stock([world_time(AS_OF)], AS_OF + timedelta(days=1))
    assert {r["store_id"]: r["stockout_rate"] > 0 for r in stock} == {"amazon_us": True, "amazon_jp": False}
