"""Two years of a simulated world's trade as the tables of its loads: what a source says, and when it says it again."""

from datetime import UTC, date, datetime, timedelta

import duckdb

from sandbox.catalogue import PRODUCTS, STORES, products_of
from sandbox.world import NEVER, simulate

START, END = date(2024, 1, 1), date(2026, 1, 1)
DAYS = (END - START).days
MONTHS = 24
VARIANTS = 40
ORDERS_PER_DAY = 3_725  # of one world at scale 1: 10 M order lines over all
ADS_PER_DAY = 1_140  # of one store at scale 1: 5 M ad rows over all
LEDGER_DAYS = 75  # the ledger reaches this far back: 3 M entries at scale 1
SPEND_SHOWN = "0.9"  # of the final spend, in the first report of a month's last days
RESTATED_DAYS = 3
LEAVES = (
    ("ProductCharges/OurPricePrincipal", "price * quantity"),
    ("PromoRebates/OurPriceDiscount", "-discount"),
    ("AmazonFees/Commission", "-((price * quantity - discount) * 15 // 100)"),
    ("AmazonFees/FBAPerUnitFulfillmentFee", "-fee * quantity"),
    ("AmazonFees/CostOfPointsGranted", "-points"),
)
REFUND_LEAVES = (
    ("ProductCharges/OurPricePrincipal", "-price * quantity"),
    ("PromoRebates/OurPriceDiscount", "discount"),
    ("AmazonFees/Commission", "(price * quantity - discount) * 15 // 100"),
    ("AmazonFees/RefundCommission", "-((price * quantity - discount) * 15 // 100 * refund_kept // 100)"),
)


def make_tables(connection: duckdb.DuckDBPyConnection, world: int, scale: float) -> None:
    """Simulate one world and leave the tables of its loads in `connection`, named as in the lake.

    Each row of `orders`, `order_items`, `transactions` and `sp_advertised_product` says in `store` (a position in the
    sandbox's STORES) and `load_month` (0 is the first) by which load it came; `lines` and `ads_final` hold each order
    line and ad row once.
    """
    simulated = simulate(world, START, DAYS, max(12, round(ORDERS_PER_DAY * scale)))
    orders = simulated.orders.drop(columns="order_id").reset_index(names="order")  # noqa: F841 (read by DuckDB)
    items = simulated.items  # noqa: F841 (read by DuckDB)
    connection.execute(f"""
        CREATE TABLE sold AS
        SELECT
            o."order", o.store, o.seq, o.replaced_order_id <> '' AS is_replacement,
            printf('%s-%07d-%07d', CASE o.store {_by_store("order_prefix")} END, o.day, o.seq) AS order_id,
            make_timestamp(o.created * 1000000) AT TIME ZONE 'UTC' AS created_at, o.shipped,
            CASE WHEN o.cancelled <> {NEVER} THEN o.cancelled END AS cancelled, {_month("o.created")} AS month
        FROM orders AS o
    """)
    connection.execute(f"""
        CREATE TABLE lines AS
        SELECT
            i.* EXCLUDE (cancelled), s.order_id, s.store, s.month, s.seq, s.shipped, i.cancelled <> {NEVER} AS gone,
            CASE i.product {" ".join(f"WHEN {n} THEN '{p.sku}'" for n, p in enumerate(PRODUCTS))} END
            || printf('-%02d', i.item_id % 1000003 * 7919 % {VARIANTS}) AS sku,
            CASE i.product {" ".join(f"WHEN {n} THEN '{p.asin}'" for n, p in enumerate(PRODUCTS))} END AS asin,
            CASE s.store {_by_store("currency")} END AS currency,
            CASE s.store {" ".join(f"WHEN {n} THEN {1 / s.minor}" for n, s in enumerate(STORES))} END AS unit,
            CASE s.store WHEN 0 THEN 465 ELSE 421 END AS fee
        FROM items AS i INNER JOIN sold AS s USING ("order")
    """)
    _order_versions(connection)
    _ledger(connection)
    _ads(connection, max(4, round(ADS_PER_DAY * scale)))


def ledger_start() -> date:
    """The first day of which the ledger knows everything."""
    return END - timedelta(days=LEDGER_DAYS)


def _by_store(field: str) -> str:
    return " ".join(f"WHEN {number} THEN '{getattr(store, field)}'" for number, store in enumerate(STORES))


def _month(epoch: str) -> str:
    """The position of the load that brings what happened at a moment: one load per month, from START."""
    day = f"CAST(make_timestamp(({epoch}) * 1000000) AS date)"
    return f"greatest(0, (year({day}) - {START.year}) * 12 + month({day}) - {START.month})"


def _moment(epoch: str) -> str:
    return f"make_timestamp(({epoch}) * 1000000) AT TIME ZONE 'UTC'"


def _order_versions(connection: duckdb.DuckDBPyConnection) -> None:
    """An order cancelled whole was landed before that, open, in the load before."""
    last = MONTHS - 1
    connection.execute(f"""
        CREATE TABLE order_versions AS
        SELECT *, least(month, {last}) AS load_month, cancelled IS NOT NULL AND month < {last} AS open FROM sold
        UNION ALL
        SELECT *, month + 1 AS load_month, false AS open FROM sold WHERE cancelled IS NOT NULL AND month < {last}
    """)
    updated = f"{_moment('CASE WHEN v.cancelled IS NULL THEN v.shipped ELSE v.cancelled END')}"
    connection.execute(f"""
        CREATE VIEW orders AS
        SELECT
            v.store, v.load_month, v.order_id, v.created_at,
            CASE WHEN v.open THEN v.created_at ELSE {updated} END AS updated_at,
            CASE WHEN v.open THEN 'UNSHIPPED' WHEN v.cancelled IS NULL THEN 'SHIPPED' ELSE 'CANCELLED' END AS status,
            'AMAZON' AS fulfilled_by, 'AMAZON' AS sales_channel,
            CASE v.store {_by_store("marketplace_id")} END AS marketplace_id, v.is_replacement,
            CAST(NULL AS varchar) AS replaced_order_id, CASE v.store {_by_store("currency")} END AS currency,
            CAST(NULL AS decimal(20, 9)) AS grand_total
        FROM order_versions AS v
    """)
    connection.execute(f"""
        CREATE TABLE order_items AS
        SELECT
            v.store, v.load_month, l.order_id, CAST(l.item_id AS varchar) AS order_item_id,
            CASE WHEN v.open THEN v.created_at ELSE {updated} END AS order_updated_at, l.sku, l.asin,
            l.quantity AS quantity_ordered, {_money("l.price")} AS unit_price,
            {_money("l.price * l.quantity")} AS item_price, {_money("l.tax")} AS item_tax,
            {_money("nullif(l.discount, 0)")} AS discount, {_money("nullif(l.shipping, 0)")} AS shipping_price,
            {_money("nullif(l.shipping_discount, 0)")} AS shipping_discount, l.currency,
            l.gone AND NOT v.open AS is_cancelled, {_money("nullif(l.points, 0)")} AS points_value
        FROM order_versions AS v INNER JOIN lines AS l USING ("order")
    """)


def _money(minor: str) -> str:
    return f"CAST(CAST({minor} AS decimal(18, 0)) * CAST(unit AS decimal(3, 2)) AS decimal(20, 9))"


def _ledger(connection: duckdb.DuckDBPyConnection) -> None:
    """Postings of the last LEDGER_DAYS, three shipments in ten deferred and, five days later, replaced by a release."""
    first, end = (int(datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp()) for d in (ledger_start(), END))
    release = "shipped + 432000"
    shipments = f"""
        FROM lines WHERE NOT gone AND shipped BETWEEN {first} AND {end} - 1"""
    connection.execute(f"""
        CREATE TABLE postings AS
        SELECT 'S-' || order_id AS transaction_id, 'Shipment' AS transaction_type,
            CASE WHEN seq % 10 >= 3 THEN 'RELEASED' WHEN {release} < {end} THEN 'DEFERRED_RELEASED' ELSE 'DEFERRED' END
            AS transaction_status, shipped AS posted, NULL AS refund_id, NULL AS deferred_transaction_id,
            CASE WHEN seq % 10 < 3 AND {release} < {end} THEN 'R-' || order_id END AS release_transaction_id, *
        {shipments}
        UNION ALL
        SELECT 'R-' || order_id, 'Shipment', 'RELEASED', {release}, NULL, 'S-' || order_id, NULL,
            * REPLACE (fee + CASE store WHEN 0 THEN 12 ELSE 7 END AS fee)
        {shipments} AND seq % 10 < 3 AND {release} < {end}
        UNION ALL
        SELECT 'F-' || item_id, 'Refund', 'RELEASED', refunded, CAST(item_id AS varchar), NULL, NULL, *
        FROM lines WHERE refunded BETWEEN {first} AND {end} - 1
    """)
    leaves = [(path, amount, n, "<>") for n, (path, amount) in enumerate(LEAVES)]
    leaves += [(path, amount, n, "=") for n, (path, amount) in enumerate(REFUND_LEAVES)]
    parts = [
        f"""SELECT store, {_month("posted")} AS load_month, transaction_id, item_id % 1000000 * 10 + {n} AS entry_no,
            transaction_type, transaction_status, 'Order Payment' AS description, {_moment("posted")} AS posted_at,
            order_id, refund_id, deferred_transaction_id, release_transaction_id,
            CASE store {_by_store("marketplace_id")} END AS marketplace_id, item_id % 1000000 AS item_no, sku, asin,
            quantity, '{path}' AS breakdown_path, '{path.rsplit("/", 1)[-1]}' AS breakdown_type,
            {_money(amount)} AS amount, currency
        FROM postings WHERE transaction_type {is_refund} 'Refund' AND {amount} <> 0"""
        for path, amount, n, is_refund in leaves
    ]
    connection.execute("CREATE TABLE transactions AS " + " UNION ALL ".join(parts))


def _ads(connection: duckdb.DuckDBPyConnection, per_day: int) -> None:
    """Spread by arithmetic, so that every version of DuckDB gives the same rows."""
    listed = {
        number: [f"{PRODUCTS[p].sku}-{v:02d}" for p in products_of(s) for v in range(VARIANTS)]
        for number, s in enumerate(STORES)
    }
    rows = [f"({n}, {position}, '{sku}')" for n, skus in listed.items() for position, sku in enumerate(skus)]
    connection.execute(f"CREATE TABLE listed AS SELECT * FROM (VALUES {', '.join(rows)}) AS t (store, position, sku)")
    connection.execute(f"""
        CREATE TABLE ads_final AS
        SELECT
            *, impressions * (4 + spread // 1000 % 15) // 1000 AS clicks, clicks * (35 + spread // 7 % 40) AS cost,
            clicks * (2 + spread % 5) // 40 AS purchases, purchases * (1990 + spread % 9000) AS sales
        FROM (
            SELECT *, (day * 7919 + ad * 104729 + store * 15485863) * 2654435761 % 4294967296 // 16 AS spread,
                200 + spread // 100 % 1800 AS impressions,
                CAST(DATE '{START}' + CAST(day AS integer) AS date) AS report_date
            FROM range({DAYS}) AS days (day), range({per_day}) AS ads (ad), range({len(STORES)}) AS stores (store)
        )
    """)
    month = f"(year(report_date) - {START.year}) * 12 + month(report_date) - {START.month}"
    restated = f"day(report_date + {RESTATED_DAYS}) <= {RESTATED_DAYS} AND {month} < {MONTHS - 1}"
    connection.execute(f"""
        CREATE VIEW sp_advertised_product AS
        SELECT
            store, load_month, report_date, CASE store {_by_store("profile_id")} END AS account_id,
            CAST(400000000000000000 + ad % 60 AS varchar) AS campaign_id, 'Campaign ' || ad % 60 AS campaign_name,
            CAST(410000000000000000 + ad % 240 AS varchar) AS ad_group_id, 'Group ' || ad % 240 AS ad_group_name,
            CAST(420000000000000000 + ad AS varchar) AS ad_id, CAST(NULL AS varchar) AS asin, sku,
            CASE store {_by_store("currency")} END AS currency, impressions, clicks,
            {_money("cost * shown")} AS cost, {_money("sales")} AS sales_1d, {_money("sales")} AS sales_7d,
            {_money("sales")} AS sales_14d, {_money("sales")} AS sales_30d, purchases AS purchases_1d,
            purchases AS purchases_7d, purchases AS purchases_14d, purchases AS purchases_30d, purchases AS units_7d
        FROM (
            SELECT *, {month} AS load_month, CASE WHEN {restated} THEN {SPEND_SHOWN} ELSE 1 END AS shown FROM ads_final
            UNION ALL
            SELECT *, {month} + 1, 1 FROM ads_final WHERE {restated}
        ) AS reported
        INNER JOIN (SELECT *, count(*) OVER (PARTITION BY store) AS listed_here FROM listed) AS l USING (store)
        INNER JOIN (
            SELECT number, CASE number WHEN 0 THEN 0.01 ELSE 1 END AS unit FROM range({len(STORES)}) AS n (number)
        ) ON store = number
        WHERE l.position = ad % l.listed_here
    """)
