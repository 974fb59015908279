"""SP-API Orders 2026-01-01 `searchOrders`: what is visible at world time, in the state it has at world time."""

from __future__ import annotations

import base64
import json
import time
from functools import lru_cache
from typing import Any

import numpy as np

from sandbox.catalogue import PRODUCTS, STORES, Store
from sandbox.platforms.state import State
from sandbox.platforms.wire import Answer, Ask, amount_text, iso, parse_moment, reply, sp_error
from sandbox.world import Ints, World

LIMIT = "0.0056"
FRESH_SECONDS = 120


@lru_cache(maxsize=8)
def updated_at(world: World, now: int) -> Ints:
    """`lastUpdatedTime` of every order as of world time: the newest of its events that has happened."""
    orders = world.orders
    newest = orders["created"].to_numpy().copy()
    for column in ("cancelled", "cancel_requested", "shipped"):
        moment = orders[column].to_numpy()
        newest = np.where(moment <= now, np.maximum(newest, moment), newest)
    items = world.items
    struck = (items["cancelled"] <= now).to_numpy()
    np.maximum.at(newest, items["order"].to_numpy()[struck], items["cancelled"].to_numpy()[struck])
    return newest


def search(state: State, ask: Ask, store: Store) -> Answer:
    """GET /orders/2026-01-01/orders."""
    query = ask.query
    if store.marketplace_id not in query.get("marketplaceIds", store.marketplace_id).split(","):
        return sp_error(400, "InvalidInput", "marketplaceIds names no marketplace of this account")
    try:
        size = int(query.get("maxResultsPerPage", "100"))
    except ValueError:
        size = 0
    if not 1 <= size <= 100:
        return sp_error(400, "InvalidInput", "maxResultsPerPage must be between 1 and 100")
    if ("createdAfter" in query) == ("lastUpdatedAfter" in query):
        return sp_error(400, "InvalidInput", "Provide exactly one of createdAfter and lastUpdatedAfter")
    kind = "created" if "createdAfter" in query else "lastUpdated"
    after = parse_moment(query[f"{kind}After"])
    latest = int(time.time()) - FRESH_SECONDS
    before = parse_moment(query[f"{kind}Before"]) if f"{kind}Before" in query else latest
    if after is None or before is None:
        return sp_error(400, "InvalidInput", f"{kind}After and {kind}Before must be ISO 8601 moments")
    if before > latest or max(before, state.now) < after:
        return sp_error(400, "InvalidInput", f"{kind}Before must be at least 2 minutes old and not before {kind}After")
    now, offset = state.now, 0
    if "paginationToken" in query:
        try:
            now, offset = json.loads(base64.urlsafe_b64decode(query["paginationToken"]))
        except (ValueError, TypeError):
            return sp_error(400, "InvalidInput", "paginationToken is not one of ours")
    until = now_or(before, latest, now)
    rows, newest = _matching(state, store, kind, after, until, now)
    page = rows[offset : offset + size]
    included = set(query.get("includedData", "").split(","))
    answer: dict[str, Any] = {"orders": [order_json(state.world, int(r), int(newest[r]), now, included) for r in page]}
    if offset + size < len(rows):
        token = base64.urlsafe_b64encode(json.dumps([now, offset + size]).encode()).decode()
        answer["pagination"] = {"nextToken": token}
    answer[f"{kind}Before"] = iso(before)
    return reply(answer, x_amzn_RateLimit_Limit=LIMIT if state.burst <= 20 else str(state.rate))


def now_or(before: int, latest: int, now: int) -> int:
    """The end of a window in world time: one that reaches the real present (to an hour) reaches the world's too.

    The clock a client's limits are checked against is the real one; the world's may run ahead of it by hours.
    """
    return max(before, now) if before >= latest - 3600 else before


def _matching(state: State, store: Store, kind: str, after: int, before: int, now: int) -> tuple[Ints, Ints]:
    orders = state.world.orders
    newest = updated_at(state.world, now)
    created = orders["created"].to_numpy()
    if state.has_fault(f"/sp/{store.key}/", "empty"):
        return np.array([], np.int64), newest
    moment = created if kind == "created" else newest
    chosen = (orders["store"].to_numpy() == STORES.index(store)) & (created <= now)
    chosen &= (moment >= after) & (moment <= before)
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(moment[rows], kind="stable")], newest


def order_json(world: World, row: int, newest: int, now: int, included: set[str]) -> dict[str, Any]:
    """One order as the API shows it at world time; monetary parts only where `includedData` asks for them."""
    order = world.order_records[row]
    store = STORES[int(order["store"])]
    firsts, lasts = world.items_by_order
    items = world.item_records[int(firsts[row]) : int(lasts[row])]
    cancelled, shipped = int(order["cancelled"]) <= now, int(order["shipped"]) <= now
    status = "CANCELLED" if cancelled else "SHIPPED" if shipped else "UNSHIPPED"
    lines = [_item_json(store, item, order, now, shipped and not cancelled, included) for item in items]
    total = sum(
        item["price"] * item["quantity"] - item["discount"] + item["shipping"] - item["shipping_discount"] + item["tax"]
        for item in items
        if item["cancelled"] > now
    )
    shown: dict[str, Any] = {
        "orderId": order["order_id"],
        "createdTime": iso(order["created"]),
        "lastUpdatedTime": iso(newest),
        "salesChannel": {
            "channelName": "AMAZON",
            "marketplaceId": store.marketplace_id,
            "marketplaceName": store.marketplace_name,
        },
        "orderItems": lines,
    }
    if order["replaced_order_id"]:
        shown["associatedOrders"] = [
            {"orderId": order["replaced_order_id"], "associationType": "REPLACEMENT_ORIGINAL_ID"}
        ]
    if "FULFILLMENT" in included:
        shown["fulfillment"] = {"fulfillmentStatus": status, "fulfilledBy": "AMAZON"}
    if "PROCEEDS" in included:
        shown["proceeds"] = {"grandTotal": _money(store, total)}
    return shown


def _money(store: Store, minor: int) -> dict[str, str]:
    return {"amount": amount_text(minor, store.minor), "currencyCode": store.currency}


def _item_json(
    store: Store, item: dict[str, Any], order: dict[str, Any], now: int, shipped: bool, included: set[str]
) -> dict[str, Any]:
    product = PRODUCTS[item["product"]]
    gross = item["price"] * item["quantity"]
    cancelled = item["cancelled"] <= now
    shown: dict[str, Any] = {
        "orderItemId": str(item["item_id"]),
        "quantityOrdered": item["quantity"],
        "product": {
            "asin": product.asin,
            "title": product.name,
            "sellerSku": product.sku,
            "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
            "price": {"unitPrice": _money(store, item["price"])},
        },
    }
    if "FULFILLMENT" in included:
        done = item["quantity"] if shipped and not cancelled else 0
        left = 0 if cancelled else item["quantity"] - done
        shown["fulfillment"] = {"quantityFulfilled": done, "quantityUnfulfilled": left}
    if "CANCELLATION" in included and (cancelled or order["cancel_requested"] <= now):
        shown["cancellation"] = (
            {"cancellationExecution": {"cancelledBy": "AMAZON", "cancelReason": "CUSTOMER_CANCEL"}}
            if cancelled
            else {"cancellationRequest": {"requester": "BUYER", "cancelReason": "No longer needed"}}
        )
    if "EXPENSE" in included and item["points"]:
        shown["expense"] = {
            "pointsCost": {
                "pointsGranted": {"pointsNumber": item["points"], "pointsMonetaryValue": _money(store, item["points"])}
            }
        }
    if "PROMOTION" in included and (item["discount"] or item["shipping_discount"]):
        shown["promotion"] = {"breakdowns": [{"promotionId": "COUPON-10" if item["discount"] else "FREE-SHIPPING"}]}
    if "PROCEEDS" in included:
        reduced = item["discount"] + item["shipping_discount"]
        parts = [{"type": "ITEM", "subtotal": _money(store, gross)}]
        if item["shipping"]:
            parts.append({"type": "SHIPPING", "subtotal": _money(store, item["shipping"])})
        if item["tax"]:
            parts.append(_detailed(store, "TAX", item["tax"], {"ITEM": item["tax"]}))
        if reduced:
            parts.append(
                _detailed(
                    store, "DISCOUNT", -reduced, {"ITEM": -item["discount"], "SHIPPING": -item["shipping_discount"]}
                )
            )
        shown["proceeds"] = {
            "proceedsTotal": _money(store, gross + item["shipping"] + item["tax"] - reduced),
            "breakdowns": parts,
        }
    return shown


def _detailed(store: Store, kind: str, total: int, parts: dict[str, int]) -> dict[str, Any]:
    return {
        "type": kind,
        "subtotal": _money(store, total),
        "detailedBreakdowns": [
            {"subtype": name, "value": _money(store, value)} for name, value in parts.items() if value
        ],
    }
