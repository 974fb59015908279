"""Pages of `searchOrders` to the lake's two tables, column by column: no Python object per order.

A page that does not fit as a whole is read order by order, so that one bad order never costs its neighbours.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

_TEXT, _MONEY, _MOMENT, _FLAG = pa.string(), pa.decimal128(20, 9), pa.timestamp("us", tz="UTC"), pa.bool_()
ORDERS = pa.schema([
    ("order_id", _TEXT), ("created_at", _MOMENT), ("updated_at", _MOMENT), ("status", _TEXT), ("fulfilled_by", _TEXT),
    ("sales_channel", _TEXT), ("marketplace_id", _TEXT), ("is_replacement", _FLAG), ("replaced_order_id", _TEXT),
    ("currency", _TEXT), ("grand_total", _MONEY),
])  # fmt: skip
ITEMS = pa.schema([
    ("order_id", _TEXT), ("order_item_id", _TEXT), ("order_updated_at", _MOMENT), ("sku", _TEXT), ("asin", _TEXT),
    ("quantity_ordered", pa.int64()), ("unit_price", _MONEY), ("item_price", _MONEY), ("item_tax", _MONEY),
    ("discount", _MONEY), ("shipping_price", _MONEY), ("shipping_discount", _MONEY), ("currency", _TEXT),
    ("is_cancelled", _FLAG), ("points_value", _MONEY),
])  # fmt: skip
_AMOUNT = pa.struct([("amount", _MONEY), ("currencyCode", _TEXT)])
_PART = pa.struct([
    ("type", _TEXT), ("subtotal", _AMOUNT),
    ("detailedBreakdowns", pa.list_(pa.struct([("subtype", _TEXT), ("value", _AMOUNT)]))),
])  # fmt: skip
_ITEM = pa.struct([
    ("orderItemId", _TEXT), ("quantityOrdered", pa.int64()),
    ("product", pa.struct([("asin", _TEXT), ("sellerSku", _TEXT), ("price", pa.struct([("unitPrice", _AMOUNT)]))])),
    ("proceeds", pa.struct([("breakdowns", pa.list_(_PART))])),
    ("expense", pa.struct([("pointsCost", pa.struct([
        ("pointsGranted", pa.struct([("pointsMonetaryValue", _AMOUNT)]))]))])),
    ("cancellation", pa.struct([("cancellationExecution", pa.struct([("cancelledBy", _TEXT)]))])),
])  # fmt: skip
_ORDER = pa.struct([
    ("orderId", _TEXT), ("createdTime", _MOMENT), ("lastUpdatedTime", _MOMENT),
    ("associatedOrders", pa.list_(pa.struct([("orderId", _TEXT), ("associationType", _TEXT)]))),
    ("salesChannel", pa.struct([("channelName", _TEXT), ("marketplaceId", _TEXT)])),
    ("proceeds", pa.struct([("grandTotal", _AMOUNT)])),
    ("fulfillment", pa.struct([("fulfillmentStatus", _TEXT), ("fulfilledBy", _TEXT)])),
    ("orderItems", pa.list_(_ITEM)),
])  # fmt: skip
_PAGE = pa.schema([("orders", pa.list_(_ORDER)), ("pagination", pa.struct([("nextToken", _TEXT)]))])
# In the official model, and left out on purpose: not needed, or about a person.
LEFT_OUT = frozenset({
    "orderAliases", "programs", "buyer", "recipient", "payment", "tax", "packages", "fulfillmentOrders",
    "salesChannel.marketplaceName", "proceeds.breakdowns", "fulfillment.fulfillmentServiceLevel",
    "fulfillment.shipByWindow", "fulfillment.deliverByWindow", "fulfillment.labelPrintingWindow",
    "orderItems.measurement", "orderItems.associatedOrderItems", "orderItems.programs", "orderItems.promotion",
    "orderItems.fulfillment", "orderItems.tax", "orderItems.product.title", "orderItems.product.condition",
    "orderItems.product.price.priceDesignation", "orderItems.product.serialNumbers",
    "orderItems.product.customization", "orderItems.proceeds.proceedsTotal",
    "orderItems.expense.pointsCost.pointsGranted.pointsNumber", "orderItems.cancellation.cancellationRequest",
    "orderItems.cancellation.cancellationExecution.cancelReason",
})  # fmt: skip
PART_TYPES = ("ITEM", "SHIPPING", "GIFT_WRAP", "COD_FEE", "OTHER", "TAX", "DISCOUNT")


@dataclass(frozen=True)
class Page:
    """One page as parsed: its orders with their lines (from 1), and the lines that are no order at all."""

    orders: pa.Table
    misfits: tuple[int, ...] = ()


@dataclass(frozen=True)
class OrderRows:
    """Rows of some pages, the (page, line) that did not fit, and (field, type) that the official model lacks."""

    orders: pa.Table
    items: pa.Table
    misfits: tuple[tuple[int, int], ...]
    unknown: frozenset[tuple[str, str]]


def read_page(body: bytes) -> tuple[Page, int, str | None]:
    """A page, the number of its orders, and the token of the next one. Raises ValueError where it is no whole page."""
    # Arrow's reader takes the process down on a bare null, and takes several documents for one page.
    if not (body.lstrip()[:1] == b"{" and body.rstrip()[-1:] == b"}"):
        raise ValueError("no page")
    try:
        table = _parsed(body)
    except pa.ArrowInvalid:
        return _one_by_one(body)
    if table.num_rows != 1 or not table["orders"].is_valid()[0].as_py():
        raise ValueError("no list of orders")
    page = Page(_numbered(table, 1))
    return page, page.orders.num_rows, (table["pagination"].to_pylist()[0] or {}).get("nextToken")


def flatten(pages: Sequence[tuple[int, Page]], seen: set[tuple[str, int]]) -> OrderRows:
    """The rows of numbered pages; many at once cost little more than one.

    A version of an order in `seen` (id, update time) is left out, and those shown now are added: staging takes all
    items of an order's newest version, so that a version landed twice would count them twice.
    """
    tables = [page.orders.append_column("page", pa.repeat(n, page.orders.num_rows)) for n, page in pages]
    # Fields that nobody asked for may contradict each other from page to page: then each page for itself.
    with suppress(pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        tables = [pa.concat_tables(tables, promote_options="permissive")]
    parts = [_flat(_unseen(table.combine_chunks(), seen)) for table in tables]
    return OrderRows(
        pa.concat_tables([part.orders for part in parts]),
        pa.concat_tables([part.items for part in parts]),
        tuple([(n, line) for n, page in pages for line in page.misfits] + [m for part in parts for m in part.misfits]),
        frozenset().union(*(part.unknown for part in parts)),
    )


def _unseen(numbered: pa.Table, seen: set[tuple[str, int]]) -> pa.Table:
    orders = _whole(numbered["order"])
    names, times = _field(orders, "orderId"), _field(orders, "lastUpdatedTime").cast(pa.int64())
    fresh = []
    for key in zip(names.to_pylist(), times.to_pylist(), strict=True):
        fresh.append(None in key or key not in seen)
        seen.add(key)
    return numbered if all(fresh) else numbered.filter(pa.array(fresh, pa.bool_()))


def _numbered(table: pa.Table, line: int) -> pa.Table:
    orders = table["orders"].combine_chunks().flatten()
    return pa.table({"order": orders, "line": pa.array(range(line, line + len(orders)), pa.int64())})


def _one_by_one(body: bytes) -> tuple[Page, int, str | None]:
    page = json.loads(body, parse_float=str)
    following = page.get("pagination") or {}
    if not isinstance(page.get("orders"), list) or not isinstance(following, dict):
        raise ValueError("no list of orders")
    tables, misfits = [pa.table({"order": pa.array([], _ORDER), "line": pa.array([], pa.int64())})], []
    for line, order in enumerate(page["orders"], 1):
        try:
            tables.append(_numbered(_parsed(json.dumps({"orders": [order]}).encode(), "ignore"), line))
        except pa.ArrowInvalid:
            misfits.append(line)
    return Page(pa.concat_tables(tables), tuple(misfits)), len(page["orders"]), following.get("nextToken")


def _parsed(body: bytes, beyond: str = "infer") -> pa.Table:
    """The page with every field it has, or with those of `_PAGE` only where `beyond` says ignore."""
    table = pa_json.read_json(
        io.BytesIO(body),
        pa_json.ReadOptions(use_threads=False, block_size=len(body) + 1),
        pa_json.ParseOptions(explicit_schema=_PAGE, unexpected_field_behavior=beyond),
    )
    table.validate(full=True)
    return table


def _flat(numbered: pa.Table) -> OrderRows:
    orders = _whole(numbered["order"])
    lists = pc.struct_field(orders, "orderItems")
    of_order, items = pc.list_parent_indices(lists), pc.list_flatten(lists)
    replaced = _replaced(orders)
    order_columns = [
        _field(orders, "orderId"), _field(orders, "createdTime"), _field(orders, "lastUpdatedTime"),
        _field(orders, "fulfillment", "fulfillmentStatus"), _field(orders, "fulfillment", "fulfilledBy"),
        _field(orders, "salesChannel", "channelName"), _field(orders, "salesChannel", "marketplaceId"),
        pc.is_valid(replaced), replaced, _field(orders, "proceeds", "grandTotal", "currencyCode"),
        _field(orders, "proceeds", "grandTotal", "amount"),
    ]  # fmt: skip
    parts = _Parts(items)
    item_columns = [
        order_columns[0].take(of_order), _field(items, "orderItemId"), order_columns[2].take(of_order),
        _field(items, "product", "sellerSku"), _field(items, "product", "asin"), _field(items, "quantityOrdered"),
        _field(items, "product", "price", "unitPrice", "amount"), parts.sum("ITEM"), parts.sum("TAX/ITEM"),
        pc.abs(parts.sum("DISCOUNT/ITEM")), parts.sum("SHIPPING"), pc.abs(parts.sum("DISCOUNT/SHIPPING")),
        pc.coalesce(_field(items, "product", "price", "unitPrice", "currencyCode"), parts.currency()),
        pc.is_valid(_field(items, "cancellation", "cancellationExecution")),
        _field(items, "expense", "pointsCost", "pointsGranted", "pointsMonetaryValue", "amount"),
    ]  # fmt: skip
    named = [pc.fill_null(pc.greater(pc.utf8_length(c), 0), False) for c in (order_columns[0], item_columns[1])]
    fits = pc.and_(named[0], pc.and_(pc.is_valid(order_columns[1]), pc.is_valid(order_columns[2])))
    item_fits = pc.and_(named[1], pc.is_valid(item_columns[5]))
    misfits = set(pc.indices_nonzero(pc.invert(fits)).to_pylist())
    misfits |= set(of_order.filter(pc.invert(item_fits)).to_pylist())
    order_table = pa.Table.from_arrays(order_columns, schema=ORDERS)
    typed = [_whole(c).cast(f.type) for c, f in zip(item_columns, ITEMS, strict=True)]
    item_table = pa.Table.from_arrays(typed, schema=ITEMS)
    if misfits:
        kept = pa.array([n not in misfits for n in range(len(orders))], pa.bool_())
        order_table, item_table = order_table.filter(kept), item_table.filter(kept.take(of_order))
    unknown = {(p, _kind(t)) for p, t in _beyond(orders.type, _ORDER, "") if p not in LEFT_OUT}
    strange = {(f"orderItems.proceeds.breakdowns[{name}]", "amount") for name in parts.strange}
    places = [(numbered["page"][n].as_py(), numbered["line"][n].as_py()) for n in sorted(misfits)]
    return OrderRows(order_table, item_table, tuple(places), frozenset(unknown | strange))


class _Parts:
    """The proceeds of items by kind: `ITEM`, or `DISCOUNT/ITEM` for the item's share of a divided kind."""

    def __init__(self, items: pa.StructArray) -> None:
        self._count = len(items)
        lists = _field(items, "proceeds", "breakdowns")
        owner, part = pc.list_parent_indices(lists), pc.list_flatten(lists)
        kind = pc.fill_null(pc.struct_field(part, "type"), "")
        self.strange = set(pc.unique(kind).to_pylist()) - set(PART_TYPES)
        details = pc.struct_field(part, "detailedBreakdowns")
        of_part, detail = pc.list_parent_indices(details), pc.list_flatten(details)
        # Undivided, all of a tax or discount belongs to the item.
        whole = pc.equal(pc.fill_null(pc.list_value_length(details), 0), 0)
        divided = pc.is_in(kind, pa.array(["TAX", "DISCOUNT"]))
        name = pc.if_else(pc.and_(divided, whole), pc.binary_join_element_wise(kind, "ITEM", "/"), kind)
        share = pc.binary_join_element_wise(kind.take(of_part), pc.struct_field(detail, "subtype"), "/")
        # Several coupons on one item are several parts of one kind.
        self._rows = pa.table({
            "owner": pa.chunked_array([owner, owner.take(of_part)]),
            "kind": pa.chunked_array([name, share]),
            "amount": pa.chunked_array([_field(part, "subtotal", "amount"), _field(detail, "value", "amount")]),
        })  # fmt: skip
        self._currency = (owner, _field(part, "subtotal", "currencyCode"))
        self._sums = self._rows.group_by(["owner", "kind"], use_threads=False).aggregate([("amount", "sum")])

    def sum(self, kind: str) -> pa.Array:
        """Per item, null where it has no such part."""
        found = self._sums.filter(pc.equal(self._sums["kind"], kind))
        return self._placed(found["owner"], found["amount_sum"])

    def currency(self) -> pa.Array:
        """Per item, that of a part."""
        return self._placed(*self._currency)

    def _placed(self, owner: pa.Array, value: pa.Array) -> pa.Array:
        at = pc.index_in(pa.array(range(self._count), owner.type), value_set=owner)
        return value.take(at)


def _replaced(orders: pa.StructArray) -> pa.Array:
    lists = pc.struct_field(orders, "associatedOrders")
    owner, other = pc.list_parent_indices(lists), pc.list_flatten(lists)
    wanted = pc.fill_null(pc.equal(pc.struct_field(other, "associationType"), "REPLACEMENT_ORIGINAL_ID"), False)
    at = pc.index_in(pa.array(range(len(orders)), owner.type), value_set=owner.filter(wanted))
    return pc.struct_field(other, "orderId").filter(wanted).take(at)


def _field(values: pa.Array, *path: str) -> pa.Array:
    for name in path:
        values = pc.struct_field(values, name)
    return values


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _beyond(found: pa.DataType, known: pa.DataType, path: str) -> Iterator[tuple[str, pa.DataType]]:
    """Fields that `found` has and `known` has not, by dotted path."""
    if pa.types.is_list(found):
        yield from _beyond(found.value_type, known.value_type, path)
    elif pa.types.is_struct(found):
        for field in found:
            inner = f"{path}.{field.name}" if path else field.name
            position = known.get_field_index(field.name)
            if position < 0:
                yield inner, field.type
            else:
                yield from _beyond(field.type, known.field(position).type, inner)


def _kind(found: pa.DataType) -> str:
    return "object" if pa.types.is_struct(found) else "list" if pa.types.is_list(found) else str(found)
