"""What the simulated company sells and where: fixed facts, no chance in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Product:
    """One SKU: prices in minor units (cents, yen; None = not sold there), landed cost parts in CNY fen."""

    sku: str
    asin: str
    name: str
    category: str
    price_us: int | None
    price_jp: int | None
    purchase_fen: int
    first_leg_fen: int
    weight: int


@dataclass(frozen=True)
class Store:
    """One Amazon store; `minor` is how many minor units make one unit of its currency."""

    id: str
    key: str
    region: str
    currency: str
    minor: int
    timezone: str
    marketplace_id: str
    marketplace_name: str
    order_prefix: str
    profile_id: int
    share: float
    stage: str

    def day_start(self, day: date) -> int:
        """Epoch seconds at which the store's local day begins (days of 23 and 25 hours included)."""
        return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.timezone)).timestamp())

    def local_day(self, epoch: int) -> date:
        """The store's calendar day of a moment given in epoch seconds."""
        return datetime.fromtimestamp(epoch, ZoneInfo(self.timezone)).date()


STORES = (
    Store(
        "amazon_us",
        "us",
        "US",
        "USD",
        100,
        "America/Los_Angeles",
        "ATVPDKIKX0DER",
        "Amazon.com",
        "112",
        1103570000000000017,
        0.65,
        "growth",
    ),
    Store(
        "amazon_jp",
        "jp",
        "JP",
        "JPY",
        1,
        "Asia/Tokyo",
        "A1VC38T7YXB528",
        "Amazon.co.jp",
        "249",
        1103570000000000029,
        0.35,
        "new",
    ),
)

PRODUCTS = (
    Product("LAMP-01", "B0SANDBX01", "Camping lantern, 800 lm", "Lighting", 2999, 3980, 4650, 820, 9),
    Product("LAMP-02", "B0SANDBX02", "Headlamp, rechargeable", "Lighting", 2499, 3280, 3120, 410, 8),
    Product("TENT-01", "B0SANDBX03", "Two-person tent", "Shelter", 12999, 16800, 23800, 5200, 3),
    Product("TARP-01", "B0SANDBX04", "Ultralight tarp", "Shelter", 5999, 7480, 9900, 1650, 4),
    Product("STOVE-01", "B0SANDBX05", "Folding gas stove", "Kitchen", 3499, 4280, 5400, 960, 7),
    Product("POT-01", "B0SANDBX06", "Titanium pot, 900 ml", "Kitchen", 4599, 5980, 8700, 640, 5),
    Product("CHAIR-01", "B0SANDBX07", "Compact camp chair", "Furniture", 6999, None, 11200, 3900, 5),
    Product("TABLE-01", "B0SANDBX08", "Roll-up table", "Furniture", 5499, None, 8600, 3300, 4),
    Product("BOTTLE-01", "B0SANDBX09", "Insulated bottle, 1 l", "Kitchen", 2799, None, 3300, 900, 6),
    Product("CHOPSTICK-01", "B0SANDBX10", "Folding chopsticks", "Kitchen", None, 1980, 1450, 120, 6),
    Product("MAT-01", "B0SANDBX11", "Folding sleeping mat", "Shelter", None, 6280, 7600, 2100, 4),
)

CHANGED_SKU = "LAMP-01"
CHANGED_PURCHASE_FEN = 5180
COST_CHANGE_DAYS_BEFORE_STORY = 10


def price_of(product: Product, store: Store) -> int | None:
    """List price in the store's minor units, None where the store doesn't sell it."""
    return product.price_us if store.key == "us" else product.price_jp


def products_of(store: Store) -> list[int]:
    """Positions in PRODUCTS of what the store sells."""
    return [i for i, product in enumerate(PRODUCTS) if price_of(product, store) is not None]


def cost_change_day(story_day: date) -> date:
    """The day from which CHANGED_SKU costs CHANGED_PURCHASE_FEN."""
    return story_day - timedelta(days=COST_CHANGE_DAYS_BEFORE_STORY)


def purchase_fen(product: Product, day: date, story_day: date) -> int:
    """Purchase cost of one unit on a day, in CNY fen."""
    if product.sku == CHANGED_SKU and day >= cost_change_day(story_day):
        return CHANGED_PURCHASE_FEN
    return product.purchase_fen
