"""SP-API Finances 2024-06-19 `listTransactions`: omits the last 48 hours, and answers an empty page in mid-stream."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from sandbox.catalogue import PRODUCTS, STORES, Store
from sandbox.platforms.orders import now_or
from sandbox.platforms.state import State
from sandbox.platforms.wire import Answer, Ask, iso, parse_moment, reply, sp_error
from sandbox.transactions import OMITTED_SECONDS, Line, Posting, visible
from sandbox.world import DAY, World

PAGE = 200
MAX_WINDOW = 180 * DAY


def transactions(state: State, ask: Ask, store: Store) -> Answer:
    """GET /finances/2024-06-19/transactions."""
    query = ask.query
    after = parse_moment(query.get("postedAfter", ""))
    latest = int(time.time()) - 120
    before = parse_moment(query["postedBefore"]) if "postedBefore" in query else latest
    if after is None or before is None:
        return sp_error(400, "InvalidInput", "postedAfter is required; it and postedBefore are ISO 8601 moments")
    if after > max(latest, state.now) or before > latest + 120 or max(before, state.now) < after:
        return sp_error(400, "InvalidInput", "postedAfter and postedBefore must lie 2 minutes back, in order")
    if "postedBefore" in query and before - after > MAX_WINDOW:
        return sp_error(400, "InvalidInput", "The range of dates must not exceed 180 days")
    if query.get("marketplaceId", store.marketplace_id) != store.marketplace_id:
        return sp_error(400, "InvalidInput", "marketplaceId is not one of this account")
    now, offset, pause = state.now, 0, False
    if "nextToken" in query:
        try:
            now, offset, pause = json.loads(base64.urlsafe_b64decode(query["nextToken"]))
        except (ValueError, TypeError):
            return sp_error(400, "InvalidInput", "nextToken is not one of ours")
    number = STORES.index(store)
    empty = state.has_fault(f"/sp/{store.key}/", "empty")
    until = now_or(before, latest, now)
    found = [] if empty else [p for p in visible(state.world, number, now) if after <= p.posted < until]
    wanted = query.get("transactionStatus")
    found = [p for p in found if wanted is None or status(p, now) == wanted]
    page = [] if pause else found[offset : offset + PAGE]
    payload: dict[str, Any] = {"transactions": [transaction_json(state.world, store, p, now) for p in page]}
    following = offset if pause else offset + PAGE
    if pause or following < len(found):
        # After the first page comes an empty one: not the end.
        state_next = [now, following, not pause and offset == 0]
        payload["nextToken"] = base64.urlsafe_b64encode(json.dumps(state_next).encode()).decode()
    return reply({"payload": payload}, x_amzn_RateLimit_Limit="0.5" if state.burst <= 20 else str(state.rate))


def status(posting: Posting, now: int) -> str:
    """DEFERRED until its release is visible, then DEFERRED_RELEASED; all else is RELEASED."""
    if not posting.released_at:
        return "RELEASED"
    return "DEFERRED_RELEASED" if posting.released_at <= now - OMITTED_SECONDS else "DEFERRED"


def _amount(store: Store, minor: int) -> dict[str, Any]:
    return {"currencyCode": store.currency, "currencyAmount": minor if store.minor == 1 else minor / store.minor}


def _tree(store: Store, leaves: tuple[tuple[str, int], ...]) -> list[dict[str, Any]]:
    groups: dict[str, list[tuple[str, int]]] = {}
    for path, amount in leaves:
        top, _, rest = path.partition("/")
        groups.setdefault(top, []).append((rest, amount))
    return [
        {
            "breakdownType": top,
            "breakdownAmount": _amount(store, sum(amount for _, amount in below)),
            "breakdowns": _tree(store, tuple(part for part in below if part[0])),
        }
        for top, below in groups.items()
    ]


def _item(store: Store, line: Line) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "totalAmount": _amount(store, sum(amount for _, amount in line.leaves)),
        "breakdowns": _tree(store, line.leaves),
    }
    if line.item_id:
        shown["relatedIdentifiers"] = [
            {"itemRelatedIdentifierName": "ORDER_ADJUSTMENT_ITEM_ID", "itemRelatedIdentifierValue": str(line.item_id)}
        ]
    if line.product is not None:
        product = PRODUCTS[line.product]
        shown["description"] = product.name
        shown["contexts"] = [
            {
                "contextType": "ProductContext",
                "asin": product.asin,
                "sku": product.sku,
                "quantityShipped": line.quantity,
                "fulfillmentNetwork": "AFN",
            }
        ]
    return shown


def transaction_json(world: World, store: Store, posting: Posting, now: int) -> dict[str, Any]:
    """One transaction as the API shows it at world time."""
    related = [("FINANCIAL_EVENT_GROUP_ID", f"G{posting.posted // (14 * DAY)}")]
    if posting.order >= 0:
        related.append(("ORDER_ID", str(world.orders["order_id"].iat[posting.order])))
    if posting.refund_id:
        related.append(("REFUND_ID", posting.refund_id))
    if posting.deferred_id:
        related.append(("DEFERRED_TRANSACTION_ID", posting.deferred_id))
    state_now = status(posting, now)
    if state_now == "DEFERRED_RELEASED":
        related.append(("RELEASE_TRANSACTION_ID", posting.release_id))
    shown: dict[str, Any] = {
        "sellingPartnerMetadata": {
            "sellingPartnerId": f"A1SANDBOX{store.region}",
            "accountType": "Standard Orders",
            "marketplaceId": store.marketplace_id,
        },
        "relatedIdentifiers": [
            {"relatedIdentifierName": name, "relatedIdentifierValue": value} for name, value in related
        ],
        "transactionType": posting.kind,
        "transactionId": posting.id,
        "transactionStatus": state_now,
        "description": posting.description,
        "postedDate": iso(posting.posted),
        "totalAmount": _amount(store, posting.total),
        "marketplaceDetails": {"marketplaceId": store.marketplace_id, "marketplaceName": store.marketplace_name},
        "items": [_item(store, line) for line in posting.lines],
        "contexts": [],
        "breakdowns": _tree(store, posting.account_leaves or _summed(posting)),
    }
    if state_now == "DEFERRED":
        shown["contexts"] = [
            {"contextType": "DeferredContext", "deferralReason": "DD7", "maturityDate": iso(posting.released_at)}
        ]
    return shown


def _summed(posting: Posting) -> tuple[tuple[str, int], ...]:
    """The transaction's own breakdowns repeat its items' in sum, as Amazon's do: reading both counts twice."""
    totals: dict[str, int] = {}
    for line in posting.lines:
        for path, amount in line.leaves:
            totals[path] = totals.get(path, 0) + amount
    return tuple(totals.items())
