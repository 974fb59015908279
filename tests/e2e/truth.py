"""What a run should publish, said by the sandbox's ledger and the rules of the metrics, never by the pipeline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox import transactions
from sandbox.catalogue import STORES
from sandbox.ledger import FEES, POSTED, Ledger
from sandbox.platforms.control import world_time
from sandbox.platforms.finances import status
from sandbox.world import World

Row = dict[str, Any]
StoreDay = tuple[str, date]
SUMS = (
    "gmv", "discounts", "refunds", "orders", "units", "cancelled_orders", "refunded_orders", "cogs", "first_leg",
    "orders_outside_ledger", "ledger_unknown_entries", "impressions", "clicks", "ad_spend", "ad_sales", "ad_orders",
    *(f"{name}_known" for name in POSTED),
)  # fmt: skip
ADS = ("impressions", "clicks", "ad_spend", "ad_sales", "ad_orders", "ctr", "cpc", "roas", "acos", "tacos")
STOCK = ("on_hand_units", "sellable_units", "demand_30d", "in_stock_sku_days", "listed_sku_days", "days_of_cover",
         "stockout_rate")  # fmt: skip
FINANCE_LAG_DAYS = 2  # the finance API omits the last 48 hours, so of two closed days nobody can know all
AD_SETTLES_AFTER_DAYS = 45


def store_days(world: World, as_of: date, snapshots: Iterable[date]) -> dict[StoreDay, Row]:
    """Every metric per store and local day as knowable on `as_of`; the day itself, still open, is among them.

    `snapshots` are the days on which a run read the stock.
    """
    now = world_time(as_of)
    ledger = Ledger(world)
    stock = {(r["store_id"], r["date"]): r for r in ledger.stock([world_time(day) for day in snapshots], as_of)}
    found: dict[StoreDay, Row] = {}
    for row in ledger.daily(as_of + timedelta(days=1), now):
        key = row["store_id"], row["date"]
        if row["date"] == as_of:  # no ad report is asked for a day that is not over
            row.update(dict.fromkeys((*ADS, "contribution_profit", "contribution_margin")))
        row.update({name: stock.get(key, {}).get(name) for name in STOCK})
        row["ledger_unknown_entries"] = 0
        if row["date"] >= as_of - timedelta(days=FINANCE_LAG_DAYS) and not any(row[f"{name}_known"] for name in POSTED):
            row.update(dict.fromkeys((*(f"{name}_known" for name in POSTED), "ledger_unknown_entries")))
        found[key] = completed(row)
    return found


def completed(row: Row) -> Row:
    """A row with the columns that stand between components and metrics; what no sandbox order can be is 0."""
    row["merchandise_sales"] = row["gmv"] - row["discounts"]
    row["all_orders"] = row["orders"] + row["cancelled_orders"]
    listed = row["listed_sku_days"]
    row["out_of_stock_sku_days"] = None if listed is None else listed - row["in_stock_sku_days"]
    row["cogs_known"], row["first_leg_known"] = row["cogs"], row["first_leg"]
    row["cogs_unknown_lines"] = row["first_leg_unknown_lines"] = 0
    return row


def summed(rows: Iterable[Mapping[str, Any]]) -> Row:
    """The metrics of several store-days: sums of what is known, then ratios of the sums.

    Stock is each store's last covered day; what the ledger posts is unknown as soon as one order lies outside it.
    """
    parts = sorted(rows, key=lambda row: row["date"])
    total: Row = {name: _sum(row[name] for row in parts) for name in SUMS}
    last: dict[str, Mapping[str, Any]] = {r["store_id"]: r for r in parts if r["sellable_units"] is not None}
    for name in ("on_hand_units", "sellable_units", "demand_30d"):
        total[name] = _sum(row[name] for row in last.values())
    for name in ("in_stock_sku_days", "listed_sku_days"):
        total[name] = _sum(row[name] for row in parts)
    complete = all(row["ledger_complete"] for row in parts) and not total["orders_outside_ledger"]
    for name in POSTED:
        total[name] = total[f"{name}_known"] if complete else None
    total = completed(total)
    net = total["merchandise_sales"] - (total["refunds"] or 0)
    gross = net - total["cogs"] - total["first_leg"]
    ads_known = all(row["ad_spend"] is not None for row in parts)
    contribution = None
    if complete and ads_known:
        fees = sum((total[name] for name in FEES), Decimal(0))
        contribution = gross - fees - total["ad_spend"] + total["reimbursements"] + total["shipping_income"]
    total |= {"net_sales": net, "gross_profit": gross, "contribution_profit": contribution}
    stocked = ratio(total["in_stock_sku_days"], total["listed_sku_days"])
    return total | {
        "aov": ratio(total["merchandise_sales"], total["orders"]),
        "refund_rate": ratio(total["refunded_orders"], total["orders"]),
        "cancel_rate": ratio(total["cancelled_orders"], total["all_orders"]),
        "gross_margin": ratio(gross, net),
        "contribution_margin": ratio(contribution, net),
        "ctr": ratio(total["clicks"], total["impressions"]),
        "cpc": ratio(total["ad_spend"], total["clicks"]),
        "roas": ratio(total["ad_sales"], total["ad_spend"]),
        "acos": ratio(total["ad_spend"], total["ad_sales"]),
        "tacos": ratio(total["ad_spend"], total["merchandise_sales"]),
        "days_of_cover": ratio(total["sellable_units"], total["demand_30d"]),
        "stockout_rate": None if stocked is None else 1 - stocked,
    }


def order_days_settled(world: World, as_of: date) -> dict[StoreDay, bool]:
    """Whether all that is left of a day's orders has been released in the ledger."""
    now = world_time(as_of)
    settled: dict[StoreDay, bool] = defaultdict(lambda: True)
    for number, store in enumerate(STORES):
        shown = transactions.visible(world, number, now)
        released = {p.order for p in shown if p.kind == "Shipment" and status(p, now) == "RELEASED"}
        for row, order in enumerate(world.order_records):
            if order["store"] == number and order["created"] <= now and order["cancelled"] > now:
                settled[store.id, date.fromordinal(order["day"])] &= row in released
    return settled


def ratio(numerator: Any, denominator: Any) -> Decimal | None:
    """NULL where a part is unknown or the denominator is zero."""
    if numerator is None or not denominator:
        return None
    return Decimal(numerator) / Decimal(denominator)


def _sum(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known, type(known[0])(0)) if known else None
