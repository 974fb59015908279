"""What the marketplace's ledger posts: shipments (some deferred, then released with other fees), refunds, account fees.

Paths are '/'-joined breakdown types as Amazon names them; amounts are minor units, positive in the seller's favour.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

import pandas as pd

from sandbox.advertising import final_spend
from sandbox.catalogue import PRODUCTS, STORES, Store, products_of
from sandbox.world import DAY, HOUR, NEVER, World

OMITTED_SECONDS = 48 * HOUR
DEFERRED_DAYS = 5
PRINCIPAL = "ProductCharges/OurPricePrincipal"
DISCOUNT = "PromoRebates/OurPriceDiscount"
SHIPPING = "Shipping/ShippingPrincipal"
SHIPPING_DISCOUNT = "PromoRebates/ShippingDiscount"
CHARGEBACK = "AmazonFees/ShippingChargeback"
COMMISSION = "AmazonFees/Commission"
REFUND_COMMISSION = "AmazonFees/RefundCommission"
FULFILMENT = "AmazonFees/FBAPerUnitFulfillmentFee"
POINTS = "AmazonFees/CostOfPointsGranted"
TAX = "Tax/OurPriceTax"
WITHHELD = "MarketplaceFacilitatorTax/MarketplaceFacilitatorTax-Principal"
STORAGE = "AmazonFees/FBAStorageFee"
SUBSCRIPTION = "AmazonFees/Subscription"
REIMBURSEMENT = "FBAInventoryReimbursement"
TRANSFER = "FundTransfer"
ADVERTISING = "AdvertisingFee"


@dataclass(frozen=True)
class Line:
    """One item of a transaction: a product (or None), its quantity, and its leaves."""

    product: int | None
    quantity: int
    leaves: tuple[tuple[str, int], ...]
    item_id: int = 0


@dataclass(frozen=True)
class Posting:
    """One transaction. `order` is a row of world.orders or -1; a release names the deferred one it replaces."""

    id: str
    kind: str
    description: str
    posted: int
    order: int = -1
    lines: tuple[Line, ...] = ()
    account_leaves: tuple[tuple[str, int], ...] = ()
    released_at: int = 0
    release_id: str = ""
    deferred_id: str = ""
    refund_id: str = ""
    first_posted: int = field(default=0)

    @property
    def total(self) -> int:
        """Sum of all leaves."""
        return sum(a for line in self.lines for _, a in line.leaves) + sum(a for _, a in self.account_leaves)


def shipment_frame(items: pd.DataFrame, us: bool, released: bool) -> pd.DataFrame:
    """Leaves (columns) of shipped items (rows), before or after a deferred one's release."""
    gross = items["price"] * items["quantity"]
    fee = (465 if us else 421) + ((12 if us else 7) if released else 0)
    kept = (items["shipping"] > 0) & (items["shipping_discount"] == 0) & (items["item_id"] % 2 == 0)
    return pd.DataFrame(
        {
            PRINCIPAL: gross,
            DISCOUNT: -items["discount"],
            SHIPPING: items["shipping"],
            SHIPPING_DISCOUNT: -items["shipping_discount"],
            CHARGEBACK: -items["shipping"].where(kept, 0),
            TAX: items["tax"],
            WITHHELD: -items["tax"],
            COMMISSION: -((gross - items["discount"]) * 15 // 100),
            FULFILMENT: -fee * items["quantity"],
            POINTS: -items["points"],
        }
    )


def refund_frame(items: pd.DataFrame) -> pd.DataFrame:
    """Leaves of refunded items: the goods' money and tax back, the commission back but for what Amazon keeps."""
    gross = items["price"] * items["quantity"]
    commission = (gross - items["discount"]) * 15 // 100
    return pd.DataFrame(
        {
            PRINCIPAL: -gross,
            DISCOUNT: items["discount"],
            TAX: -items["tax"],
            WITHHELD: items["tax"],
            COMMISSION: commission,
            REFUND_COMMISSION: -(commission * items["refund_kept"] // 100),
        }
    )


@lru_cache(maxsize=16)
def postings(world: World, store_no: int) -> tuple[Posting, ...]:
    """Every transaction that a store's ledger will ever post in this world, by posting time."""
    found = _shipments(world, store_no) + _refunds(world, store_no) + _account(world, store_no)
    return tuple(sorted(found, key=lambda p: (p.posted, p.id)))


def visible(world: World, store_no: int, now: int) -> list[Posting]:
    """What the API shows at world time: all but the last 48 hours."""
    return [p for p in postings(world, store_no) if p.posted <= now - OMITTED_SECONDS]


def _lines(items: pd.DataFrame, leaves: pd.DataFrame) -> dict[int, list[Line]]:
    by_order: dict[int, list[Line]] = {}
    columns = list(leaves.columns)
    facts = zip(
        items["order"].tolist(),
        items["product"].tolist(),
        items["quantity"].tolist(),
        items["item_id"].tolist(),
        leaves.to_numpy().tolist(),
        strict=True,
    )
    for order, product, quantity, item_id, amounts in facts:
        kept = tuple((path, amount) for path, amount in zip(columns, amounts, strict=True) if amount)
        by_order.setdefault(order, []).append(Line(product, quantity, kept, item_id))
    return by_order


def _shipments(world: World, store_no: int) -> list[Posting]:
    orders = world.orders
    mine = orders[(orders["store"] == store_no) & (orders["shipped"] != NEVER)]
    items = world.items[world.items["order"].isin(mine.index) & (world.items["cancelled"] == NEVER)]
    us = STORES[store_no].minor == 100
    first, later = (_lines(items, shipment_frame(items, us, released)) for released in (False, True))
    found: list[Posting] = []
    facts = zip(
        mine.index.tolist(), mine["order_id"].tolist(), mine["shipped"].tolist(), mine["seq"].tolist(), strict=True
    )
    for row, order_id, shipped, seq in facts:
        name, lines = f"S-{order_id}", tuple(first.get(row, ()))
        if seq % 10 >= 3:
            found.append(Posting(name, "Shipment", "Order Payment", shipped, row, lines, first_posted=shipped))
            continue
        at = shipped + DEFERRED_DAYS * DAY
        found.append(
            Posting(
                name,
                "Shipment",
                "Order Payment",
                shipped,
                row,
                lines,
                released_at=at,
                release_id=f"R-{order_id}",
                first_posted=shipped,
            )
        )
        found.append(
            Posting(
                f"R-{order_id}",
                "Shipment",
                "Order Payment",
                at,
                row,
                tuple(later.get(row, ())),
                deferred_id=name,
                first_posted=shipped,
            )
        )
    return found


def _refunds(world: World, store_no: int) -> list[Posting]:
    owner = world.orders["store"].to_numpy()[world.items["order"].to_numpy()]
    items = world.items[(owner == store_no) & (world.items["refunded"] != NEVER)]
    found: list[Posting] = []
    moments = dict(zip(items["item_id"].tolist(), items["refunded"].tolist(), strict=True))
    for order, lines in _lines(items, refund_frame(items)).items():
        for line in lines:
            number, moment = str(line.item_id + 7), moments[line.item_id]
            found.append(
                Posting(
                    f"F-{number}",
                    "Refund",
                    "Refund Order",
                    moment,
                    order,
                    (line,),
                    refund_id=number,
                    first_posted=moment,
                )
            )
    return found


def _account(world: World, store_no: int) -> list[Posting]:
    store = STORES[store_no]
    found: list[Posting] = []
    for index in range(world.days):
        day = world.day_at(index)
        at = store.day_start(day) + 10 * HOUR
        slug = f"{store.key}-{day}"
        if day.day == 7:
            found.append(
                Posting(f"ST-{slug}", "ServiceFee", "FBAStorageBilling", at, lines=_storage(store), first_posted=at)
            )
        if day.day == 1:
            fee = -3999 if store.minor == 100 else -4900
            found.append(
                Posting(
                    f"SU-{slug}",
                    "ServiceFee",
                    "Subscription",
                    at,
                    account_leaves=((SUBSCRIPTION, fee),),
                    first_posted=at,
                )
            )
        if index % 9 == 4:
            lost = products_of(store)[index % len(products_of(store))]
            worth = 1843 if store.minor == 100 else 2210
            found.append(
                Posting(
                    f"RE-{slug}",
                    "FBAInventoryReimbursement",
                    "FBA Inventory Reimbursement",
                    at,
                    lines=(Line(lost, 1, ()),),
                    account_leaves=((REIMBURSEMENT, worth),),
                    first_posted=at,
                )
            )
        if index % 14 == 13:
            found.append(
                Posting(
                    f"TR-{slug}",
                    "Transfer",
                    "Transfer to bank account",
                    at,
                    account_leaves=((TRANSFER, -250_000),),
                    first_posted=at,
                )
            )
        if day.weekday() == 0 and index >= 7:
            spent = sum(final_spend(world, store, day - timedelta(days=back)) for back in range(1, 8))
            found.append(
                Posting(
                    f"AD-{slug}",
                    "ProductAdsPayment",
                    "ProductAdsPayment",
                    at,
                    account_leaves=((ADVERTISING, -spent),),
                    first_posted=at,
                )
            )
    return found


def _storage(store: Store) -> tuple[Line, ...]:
    return tuple(Line(p, 0, ((STORAGE, -(150 + 11 * PRODUCTS[p].weight)),)) for p in products_of(store))


def local_day(store: Store, posting: Posting) -> date:
    """The day a posting counts on: that of its first posting, in the store's zone."""
    return store.local_day(posting.first_posted)
