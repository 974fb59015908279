"""Units in the marketplace's warehouse: a saw-tooth of cover per product, and a planted stock-out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sandbox.catalogue import PRODUCTS, Store, products_of
from sandbox.world import STOCKED_OUT_SKU, World, stocked_out

LONGEST_COVER = 45
CYCLE = 35


@dataclass(frozen=True)
class Stock:
    """Units of one product at a store on a local day; `warehouse` holds sellable, unsellable and reserved ones."""

    product: int
    sellable: int
    unsellable: int
    reserved: int
    inbound_working: int
    inbound_shipped: int
    inbound_receiving: int

    @property
    def warehouse(self) -> int:
        """All units in the warehouse."""
        return self.sellable + self.unsellable + self.reserved


def stock_on(world: World, store: Store, day: date) -> list[Stock]:
    """What the store's warehouse holds on a local day, one entry per product."""
    sold = products_of(store)
    weights = sum(PRODUCTS[p].weight for p in sold)
    shown = []
    for product in sold:
        daily = max(1, int(world.orders_per_day * store.share * 1.4 * PRODUCTS[product].weight / weights))
        cover = LONGEST_COVER - (day.toordinal() + 7 * product) % CYCLE
        out = PRODUCTS[product].sku == STOCKED_OUT_SKU and stocked_out(store, day, world.story_day)
        sellable = 0 if out else daily * cover
        shown.append(Stock(product, sellable, product % 3, sellable // 12, 0, daily * 10 if out else 0, product % 2))
    return shown
