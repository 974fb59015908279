"""The oracle: the company's true daily numbers per store as far as they can be known at a world time.

Computed from the simulated world by its own rules, with Decimal, and independent of every other part of the project.
Amounts are in the reporting currency (USD), each line converted at its day's rate and rounded half up once to 4 places.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox import rates, transactions
from sandbox.advertising import shown_rows
from sandbox.catalogue import PRODUCTS, STORES, Store, purchase_fen
from sandbox.platforms.control import world_time
from sandbox.stock import stock_on
from sandbox.transactions import OMITTED_SECONDS, Posting
from sandbox.world import World

REPORTING = "USD"
PLACES = Decimal("0.0001")
ZERO = Decimal(0)
# What each leaf is to the company; costs are positive when the platform takes them, incomes when it gives them.
COSTS = {
    transactions.COMMISSION: "platform_fees",
    transactions.REFUND_COMMISSION: "platform_fees",
    transactions.SUBSCRIPTION: "platform_fees",
    transactions.FULFILMENT: "fulfilment_fees",
    transactions.STORAGE: "storage_fees",
    transactions.POINTS: "other_fees",
}
INCOMES = {
    transactions.SHIPPING: "shipping_income",
    transactions.SHIPPING_DISCOUNT: "shipping_income",
    transactions.CHARGEBACK: "shipping_income",
    transactions.REIMBURSEMENT: "reimbursements",
}
AMOUNTS = (
    "gmv",
    "discounts",
    "refunds",
    "cogs",
    "first_leg",
    "platform_fees",
    "fulfilment_fees",
    "storage_fees",
    "payment_fees",
    "other_fees",
    "reimbursements",
    "shipping_income",
    "ad_spend",
    "ad_sales",
)
NATIVE = tuple(name for name in AMOUNTS if name not in ("cogs", "first_leg"))
FEES = ("platform_fees", "fulfilment_fees", "storage_fees", "payment_fees", "other_fees")
POSTED = (*FEES, "reimbursements", "shipping_income")


@dataclass
class StoreDay:
    """Sums of one store and local day; `native` is in the store's currency, `outside` counts orders not yet booked."""

    store: Store
    day: date
    outside: int = 0
    amounts: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(AMOUNTS, ZERO))
    native: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(NATIVE, ZERO))
    orders: int = 0
    cancelled_orders: int = 0
    units: int = 0
    refunded: set[int] = field(default_factory=set)
    impressions: int = 0
    clicks: int = 0
    ad_orders: int = 0


class Ledger:
    """True numbers of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def daily(self, as_of: date, now: int | None = None) -> list[dict[str, Any]]:
        """One row per store and closed local day (before `as_of`), as knowable at `now` (default: noon UTC of `as_of`).

        Counts are int, amounts and ratios Decimal, None where a definition gives NULL: what the ledger posts of a day
        with an order that it lacks, refunds of a day of which it has shown nothing yet. `ledger_complete` says whether
        the finance API has shown the whole day; refunds of other days are what it has shown so far.
        """
        now = world_time(as_of) if now is None else now
        days = [self.world.day_at(i) for i in range(self.world.days) if self.world.day_at(i) < as_of]
        found = {(s.id, d): StoreDay(s, d) for s in STORES for d in days}
        booked = self._book_postings(found, now)
        self._book_orders(found, now, booked)
        for (_, day), entry in found.items():
            for row in shown_rows(self.world, entry.store, day, now):
                entry.impressions += row.impressions
                entry.clicks += row.clicks
                entry.ad_orders += row.purchases[7]
                self._add(entry, "ad_spend", row.cost)
                self._add(entry, "ad_sales", row.sales[7])
        return [self._row(entry, now) for entry in found.values()]

    def stock(self, snapshots: list[int], as_of: date) -> list[dict[str, Any]]:
        """Stock per store and snapshot day for moments at which the inventory report was read (the last of a day wins).

        `days_of_cover` sums demand over SKUs: mean daily units over each SKU's last 30 in-stock snapshot days.
        """
        found = []
        for store in STORES:
            taken = sorted({store.local_day(moment) for moment in snapshots})
            units = self._units(store, world_time(as_of))
            in_stock: dict[int, list[date]] = {}
            for day in taken:
                held = stock_on(self.world, store, day)
                for entry in held:
                    if entry.sellable > 0:
                        in_stock.setdefault(entry.product, []).append(day)
                demand = sum((_mean(units, p, days[-30:]) for p, days in in_stock.items()), ZERO)
                sellable = sum(e.sellable for e in held)
                stocked = sum(1 for e in held if e.sellable > 0)
                found.append(
                    {
                        "store_id": store.id,
                        "date": day,
                        "on_hand_units": sum(e.warehouse for e in held),
                        "sellable_units": sellable,
                        "demand_30d": demand,
                        "in_stock_sku_days": stocked,
                        "listed_sku_days": len(held),
                        "days_of_cover": _ratio(Decimal(sellable), demand),
                        "stockout_rate": 1 - Decimal(stocked) / Decimal(len(held)),
                    }
                )
        return found

    def _units(self, store: Store, now: int) -> dict[tuple[int, date], int]:
        units: dict[tuple[int, date], int] = {}
        for item in self.world.item_records:
            order = self.world.order_records[item["order"]]
            if STORES[order["store"]] is not store or order["created"] > now:
                continue
            if item["cancelled"] > now and not order["replaced_order_id"]:
                key = (item["product"], date.fromordinal(order["day"]))
                units[key] = units.get(key, 0) + item["quantity"]
        return units

    def _add(self, entry: StoreDay, name: str, minor: int, day: date | None = None) -> None:
        native = Decimal(minor) / entry.store.minor
        entry.native[name] += native
        entry.amounts[name] += self._converted(native, entry.store.currency, day or entry.day)

    def _converted(self, amount: Decimal, currency: str, day: date) -> Decimal:
        rate = rates.rate(self.world.seed, day, currency, REPORTING)
        if rate is None:
            raise LookupError(f"no {currency} rate within {rates.MAX_AGE_DAYS} days of {day}")
        return (amount * rate).quantize(PLACES, ROUND_HALF_UP)

    def _book_orders(self, found: dict[tuple[str, date], StoreDay], now: int, booked: set[int]) -> None:
        world = self.world
        firsts, lasts = world.items_by_order
        for number, order in enumerate(world.order_records):
            store, day = STORES[order["store"]], date.fromordinal(order["day"])
            entry = found.get((store.id, day))
            if entry is None or order["created"] > now:
                continue
            live = [i for i in world.item_records[int(firsts[number]) : int(lasts[number])] if i["cancelled"] > now]
            for item in live:
                product = PRODUCTS[item["product"]]
                for name, fen in (
                    ("cogs", purchase_fen(product, day, world.story_day)),
                    ("first_leg", product.first_leg_fen),
                ):
                    entry.amounts[name] += self._converted(Decimal(fen * item["quantity"]) / 100, "CNY", day)
            if order["replaced_order_id"]:
                continue  # a free replacement costs goods, and is nothing else
            if order["cancelled"] <= now:
                entry.cancelled_orders += 1
                continue
            entry.orders += 1
            entry.outside += number not in booked
            for item in live:
                entry.units += item["quantity"]
                self._add(entry, "gmv", item["price"] * item["quantity"])
                self._add(entry, "discounts", item["discount"])

    def _book_postings(self, found: dict[tuple[str, date], StoreDay], now: int) -> set[int]:
        """Books what the finance API shows; a release counts instead of the deferred posting, on that one's day."""
        booked: set[int] = set()
        for number, store in enumerate(STORES):
            shown = transactions.visible(self.world, number, now)
            released = {p.deferred_id for p in shown if p.deferred_id}
            for posting in shown:
                if posting.kind == "Shipment":
                    booked.add(posting.order)
                entry = found.get((store.id, transactions.local_day(store, posting)))
                if entry is not None and posting.id not in released:
                    self._book(entry, posting)
        return booked

    def _book(self, entry: StoreDay, posting: Posting) -> None:
        for line in posting.lines:
            if posting.kind == "Refund":
                goods = sum(a for path, a in line.leaves if path in (transactions.PRINCIPAL, transactions.DISCOUNT))
                self._add(entry, "refunds", -goods)
                entry.refunded.add(posting.order)
        leaves = [leaf for line in posting.lines for leaf in line.leaves] + list(posting.account_leaves)
        for path, minor in leaves:
            if path in COSTS:
                self._add(entry, COSTS[path], -minor)
            elif path in INCOMES:
                self._add(entry, INCOMES[path], minor)

    def _row(self, entry: StoreDay, now: int) -> dict[str, Any]:
        a = entry.amounts
        net = a["gmv"] - a["discounts"] - a["refunds"]
        gross = net - a["cogs"] - a["first_leg"]
        fees = sum((a[name] for name in FEES), ZERO)
        contribution = gross - fees - a["ad_spend"] + a["reimbursements"] + a["shipping_income"]
        end = entry.store.day_start(entry.day + timedelta(days=1))
        row: dict[str, Any] = {
            "store_id": entry.store.id,
            "date": entry.day,
            "currency": entry.store.currency,
            **a,
            **{f"{name}_native": value for name, value in entry.native.items()},
            "orders": entry.orders,
            "units": entry.units,
            "cancelled_orders": entry.cancelled_orders,
            "refunded_orders": len(entry.refunded),
            "impressions": entry.impressions,
            "clicks": entry.clicks,
            "ad_orders": entry.ad_orders,
            "orders_outside_ledger": entry.outside,
            **{f"{name}_known": a[name] for name in POSTED},
            "net_sales": net,
            "gross_profit": gross,
            "contribution_profit": contribution,
            "aov": _ratio(a["gmv"] - a["discounts"], entry.orders),
            "refund_rate": _ratio(len(entry.refunded), entry.orders),
            "cancel_rate": _ratio(entry.cancelled_orders, entry.orders + entry.cancelled_orders),
            "gross_margin": _ratio(gross, net),
            "contribution_margin": _ratio(contribution, net),
            "ctr": _ratio(entry.clicks, entry.impressions),
            "cpc": _ratio(a["ad_spend"], entry.clicks),
            "roas": _ratio(a["ad_sales"], a["ad_spend"]),
            "acos": _ratio(a["ad_spend"], a["ad_sales"]),
            "tacos": _ratio(a["ad_spend"], a["gmv"] - a["discounts"]),
            "ledger_complete": end <= now - OMITTED_SECONDS,
        }
        if entry.outside:
            row.update(dict.fromkeys((*POSTED, "contribution_profit", "contribution_margin")))
        if not row["ledger_complete"] and not entry.refunded:
            row.update(dict.fromkeys(("refunds", "refunded_orders", "refund_rate")))
        return row


def _ratio(numerator: Decimal | int, denominator: Decimal | int) -> Decimal | None:
    """NULL where the denominator is zero, never 0 and never infinity."""
    return Decimal(numerator) / Decimal(denominator) if denominator else None


def _mean(units: dict[tuple[int, date], int], product: int, days: list[date]) -> Decimal:
    return Decimal(sum(units.get((product, day), 0) for day in days)) / len(days)
