"""The SP-API's front door: /sp/<store>/…, access token, throttling, then the API that was asked for."""

from __future__ import annotations

from sandbox.platforms import finances, orders, reports
from sandbox.platforms.state import State, store_of
from sandbox.platforms.wire import Answer, Ask, sp_error


def route(state: State, ask: Ask) -> Answer:
    """Checks the account and the rate, then answers."""
    _, _, key, *rest = ask.path.split("/")
    store = store_of(key)
    path = "/" + "/".join(rest)
    if store is None:
        return sp_error(404, "NotFound", f"no such account: {key}")
    prefix = f"AMAZON_{key.upper()}"
    if state.token_owner(ask.headers.get("x-amz-access-token", "")) != prefix:
        return sp_error(403, "Unauthorized", "The access token you provided has expired.")
    api = "/".join(rest[:3])
    if not state.admit(f"{key}/{api}"):
        return sp_error(
            429,
            "QuotaExceeded",
            "You exceeded your quota for the requested resource.",
            x_amzn_RateLimit_Limit=str(state.rate),
        )
    if path == "/orders/2026-01-01/orders" and ask.method == "GET":
        return orders.search(state, ask, store)
    if path == "/finances/2024-06-19/transactions" and ask.method == "GET":
        return finances.transactions(state, ask, store)
    if path.startswith(reports.ROOT):
        return reports.route(state, ask, store, path)
    return sp_error(404, "NotFound", f"no such operation: {ask.method} {path}")
