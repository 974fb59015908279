"""The lake columns of each entity a file can feed, and how each type is read."""

from __future__ import annotations

import pyarrow as pa

TEXT, COUNT = pa.string(), pa.int64()
MONEY, DAY, MOMENT = pa.decimal128(20, 9), pa.date32(), pa.timestamp("us", tz="UTC")

PROVENANCE = {"file_name": TEXT, "file_hash": TEXT, "row_number": COUNT, "replaces_day": pa.bool_()}
"""Where a row stood, and whether its file replaces what other files said about its day."""

ENTITIES: dict[str, dict[str, pa.DataType]] = {
    "order_line": {
        "row_kind": TEXT, "order_id": TEXT, "line_id": TEXT, "occurred_at": MOMENT, "business_date": DAY, "sku": TEXT,
        "product_name": TEXT, "category": TEXT, "quantity": COUNT, "unit_price": MONEY, "discount": MONEY,
        "shipping": MONEY, "currency": TEXT, "buyer_key": TEXT, "country": TEXT, "channel": TEXT, "status": TEXT,
    },
    "refund": {
        "refund_id": TEXT, "order_id": TEXT, "occurred_at": MOMENT, "business_date": DAY, "sku": TEXT,
        "quantity": COUNT, "amount": MONEY, "currency": TEXT,
    },
    "ad_daily": {
        "business_date": DAY, "network": TEXT, "account_id": TEXT, "campaign_id": TEXT, "campaign_name": TEXT,
        "ad_group_id": TEXT, "ad_id": TEXT, "sku": TEXT, "impressions": COUNT, "clicks": COUNT, "spend": MONEY,
        "sales": MONEY, "orders": COUNT, "currency": TEXT,
    },
    "inventory_daily": {
        "business_date": DAY, "sku": TEXT, "on_hand_units": COUNT, "sellable_units": COUNT, "inbound_units": COUNT,
        "reserved_units": COUNT,
    },
    "ledger_entry": {
        "entry_id": TEXT, "order_id": TEXT, "business_date": DAY, "occurred_at": MOMENT, "sku": TEXT,
        "component": TEXT, "amount": MONEY, "currency": TEXT,
    },
    "product_cost": {
        "sku": TEXT, "product_id": TEXT, "name": TEXT, "category": TEXT, "cost": MONEY, "first_leg": MONEY,
        "currency": TEXT, "effective_from": DAY,
    },
}  # fmt: skip


def lake_schema(entity: str, attributes: list[str]) -> pa.Schema:
    """Provenance, the entity's own columns, then the mapping's extra ones as text."""
    columns = PROVENANCE | ENTITIES[entity] | dict.fromkeys(attributes, TEXT)
    return pa.schema(list(columns.items()))
