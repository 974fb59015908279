"""The simulated platforms behave as the real ones do."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import requests

from sandbox.catalogue import STORES
from sandbox.platforms import mabang
from sandbox.platforms.server import SandboxServer
from sandbox.platforms.wire import iso
from tests.sandbox.conftest import JP, US, access_token

Call = Callable[..., requests.Response]
Validate = Callable[[str, str, Any], None]
INCLUDED = "PROCEEDS,FULFILLMENT,CANCELLATION,EXPENSE,PROMOTION"
SINCE = "2026-01-01T00:00:00Z"


def _orders(sp: Call, store: str, market: str) -> list[dict[str, Any]]:
    found, token = [], None
    while True:
        params = {"marketplaceIds": market, "lastUpdatedAfter": SINCE, "includedData": INCLUDED}
        page = sp(store, "/orders/2026-01-01/orders", params=params | ({"paginationToken": token} if token else {}))
        assert page.status_code == 200, page.text
        found += page.json()["orders"]
        token = page.json().get("pagination", {}).get("nextToken")
        if not token:
            return found


def _transactions(sp: Call, store: str) -> tuple[list[dict[str, Any]], list[int]]:
    found, sizes, token = [], [], None
    while True:
        answer = sp(
            store,
            "/finances/2024-06-19/transactions",
            params={"postedAfter": SINCE} | ({"nextToken": token} if token else {}),
        )
        payload = answer.json()["payload"]
        found += payload["transactions"]
        sizes.append(len(payload["transactions"]))
        token = payload.get("nextToken")
        if not token:
            return found, sizes


@pytest.mark.shared_data
@pytest.mark.parametrize(("store", "market"), [("us", US), ("jp", JP)])
def test_orders_and_transactions_validate_against_the_official_models(
    sp: Call, validate: Validate, store: str, market: str
) -> None:
    for order in _orders(sp, store, market)[::7]:
        validate("orders_2026-01-01.json", "Order", order)
    for transaction in _transactions(sp, store)[0][::7]:
        validate("finances_2024-06-19.json", "Transaction", transaction)


@pytest.mark.shared_data
def test_whole_answers_validate_against_the_official_models(sp: Call, validate: Validate) -> None:
    asked = {"marketplaceIds": US, "lastUpdatedAfter": SINCE, "includedData": INCLUDED, "maxResultsPerPage": "5"}
    validate(
        "orders_2026-01-01.json", "SearchOrdersResponse", sp("us", "/orders/2026-01-01/orders", params=asked).json()
    )
    refused = sp("us", "/orders/2026-01-01/orders", params={**asked, "maxResultsPerPage": "101"})
    validate("orders_2026-01-01.json", "ErrorList", refused.json())
    transactions = sp("us", "/finances/2024-06-19/transactions", params={"postedAfter": SINCE})
    validate("finances_2024-06-19.json", "ListTransactionsResponse", transactions.json())
    wish = {"reportType": "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA", "marketplaceIds": [US]}
    validate("reports_2021-06-30.json", "CreateReportSpecification", wish)
    made = sp("us", "/reports/2021-06-30/reports", "POST", json=wish)
    validate("reports_2021-06-30.json", "CreateReportResponse", made.json())
    listed = sp("us", "/reports/2021-06-30/reports", params={"reportTypes": wish["reportType"]})
    validate("reports_2021-06-30.json", "GetReportsResponse", listed.json())


def test_reports_are_listed_by_type_state_and_age(server: SandboxServer, sp: Call) -> None:
    root, kind = "/reports/2021-06-30/reports", "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA"
    made = sp("us", root, "POST", json={"reportType": kind, "marketplaceIds": [US]}).json()["reportId"]

    def listed(store: str, states: str, minutes: int = 30) -> list[str]:
        since = iso(int(time.time()) - 60 * minutes)
        params = {"reportTypes": kind, "processingStatuses": states, "createdSince": since}
        return [report["reportId"] for report in sp(store, root, params=params).json()["reports"]]

    assert listed("us", "IN_QUEUE,IN_PROGRESS") == [made]
    assert listed("us", "DONE") == listed("jp", "IN_QUEUE") == []
    server.state.now += 3600
    assert listed("us", "IN_QUEUE") == []
    assert listed("us", "IN_QUEUE", minutes=90) == [made]


@pytest.mark.shared_data
def test_ad_reports_have_the_shape_that_amazon_recorded(server: SandboxServer, recorded_ads: dict[str, Any]) -> None:
    headers, wish = _ads(server, "2026-03-01", "2026-03-10")
    url = f"{server.url}/ads/reporting/reports"
    made = requests.post(url, json={"name": "week", **wish}, headers=headers, timeout=10).json()
    shown = [requests.get(f"{url}/{made['reportId']}", headers=headers, timeout=10).json() for _ in range(3)]
    for answer, known in ((made, recorded_ads["PENDING"]), (shown[0], recorded_ads["PENDING"]),
                          (shown[-1], recorded_ads["COMPLETED"])):  # fmt: skip
        assert set(answer) == set(known)
        assert set(answer["configuration"]) == set(known["configuration"])
        for name, value in known.items():
            assert (answer[name] is None) == (value is None), name


def test_paging_brings_every_order_once_and_amounts_in_yen_have_no_decimals(sp: Call) -> None:
    orders = _orders(sp, "jp", JP)
    assert len({o["orderId"] for o in orders}) == len(orders) > 100
    amounts = [i["product"]["price"]["unitPrice"]["amount"] for o in orders for i in o["orderItems"]]
    assert not any("." in amount for amount in amounts)
    assert all(int(i["orderItemId"]) > 2**53 for o in orders for i in o["orderItems"])


def test_a_late_cancellation_appears_only_when_the_clock_reaches_it(server: SandboxServer, sp: Call) -> None:
    before = {o["orderId"]: o for o in _orders(sp, "us", US)}
    server.state.now += 3 * 86_400
    after = {o["orderId"]: o for o in _orders(sp, "us", US)}
    changed = [
        k
        for k, o in before.items()
        if o["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
        and after[k]["fulfillment"]["fulfillmentStatus"] == "CANCELLED"
    ]
    assert changed
    assert all(after[k]["lastUpdatedTime"] > before[k]["lastUpdatedTime"] for k in changed)


def test_last_updated_before_must_be_two_minutes_old_on_the_real_clock(sp: Call) -> None:
    params = {"marketplaceIds": US, "lastUpdatedAfter": SINCE, "lastUpdatedBefore": "2999-01-01T00:00:00Z"}
    assert sp("us", "/orders/2026-01-01/orders", params=params).status_code == 400


def test_finances_have_an_empty_page_in_mid_stream_and_omit_48_hours(server: SandboxServer, sp: Call) -> None:
    found, sizes = _transactions(sp, "us")
    assert 0 in sizes[1:-1]
    assert len({t["transactionId"] for t in found}) == len(found)
    assert max(t["postedDate"] for t in found) <= iso(server.state.now - 48 * 3600)


def test_a_released_transaction_names_the_deferred_one_it_restates(sp: Call) -> None:
    found = {t["transactionId"]: t for t in _transactions(sp, "us")[0]}
    released = [
        t
        for t in found.values()
        if any(r["relatedIdentifierName"] == "DEFERRED_TRANSACTION_ID" for r in t["relatedIdentifiers"])
    ]
    assert released
    for transaction in released:
        origin = found[
            next(
                r["relatedIdentifierValue"]
                for r in transaction["relatedIdentifiers"]
                if r["relatedIdentifierName"] == "DEFERRED_TRANSACTION_ID"
            )
        ]
        assert origin["transactionStatus"] == "DEFERRED_RELEASED"
        assert origin["totalAmount"] != transaction["totalAmount"]


def test_a_revoked_refresh_token_gets_no_access_token(server: SandboxServer) -> None:
    server.state.revoked.add("AMAZON_JP")
    with pytest.raises(requests.HTTPError):
        access_token(server, "AMAZON_JP")
    assert access_token(server, "AMAZON_US")


def test_throttling_answers_429_when_a_small_bucket_is_empty(server: SandboxServer, sp: Call) -> None:
    server.state.burst, server.state.rate = 2, 0.0001
    params = {"marketplaceIds": US, "lastUpdatedAfter": SINCE}
    codes = [sp("us", "/orders/2026-01-01/orders", params=params).status_code for _ in range(3)]
    assert codes == [200, 200, 429]


@pytest.mark.shared_data
@pytest.mark.parametrize(("store", "market", "charset"), [("us", US, "utf-8"), ("jp", JP, "shift_jis")])
def test_the_inventory_report_walks_its_states_and_brings_a_gzipped_file(
    sp: Call, validate: Validate, store: str, market: str, charset: str
) -> None:
    root = "/reports/2021-06-30"
    made = sp(
        store,
        f"{root}/reports",
        "POST",
        json={"reportType": "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA", "marketplaceIds": [market]},
    ).json()
    polls = [sp(store, f"{root}/reports/{made['reportId']}").json() for _ in range(3)]
    for poll in polls:
        validate("reports_2021-06-30.json", "Report", poll)
    assert [poll["processingStatus"] for poll in polls] == ["IN_QUEUE", "IN_PROGRESS", "DONE"]
    document = sp(store, f"{root}/documents/{polls[-1]['reportDocumentId']}").json()
    validate("reports_2021-06-30.json", "ReportDocument", document)
    lines = gzip.decompress(requests.get(document["url"], timeout=10).content).decode(charset).splitlines()
    assert lines[0].startswith("sku\tfnsku\tasin")
    assert {len(line.split("\t")) for line in lines} == {21}


def _ads(server: SandboxServer, first: str, last: str) -> tuple[dict[str, str], dict[str, Any]]:
    store = STORES[0]
    token = access_token(server, "AMAZON_US_ADS")
    headers = {
        "Authorization": f"Bearer {token}",
        "Amazon-Advertising-API-Scope": str(store.profile_id),
        "Amazon-Advertising-API-ClientId": "amzn1.application-oa2-client.amazon-us-ads",
    }
    return headers, {
        "startDate": first,
        "endDate": last,
        "configuration": {
            "adProduct": "SPONSORED_PRODUCTS",
            "groupBy": ["advertiser"],
            "reportTypeId": "spAdvertisedProduct",
            "timeUnit": "DAILY",
            "format": "GZIP_JSON",
            "columns": ["date", "campaignId", "adId", "advertisedSku", "cost", "clicks", "sales7d"],
        },
    }


def _ad_rows(server: SandboxServer, first: str, last: str) -> list[dict[str, Any]]:
    headers, wish = _ads(server, first, last)
    url = f"{server.url}/ads/reporting/reports"
    ident = requests.post(url, json=wish, headers=headers, timeout=10).json()["reportId"]
    twin = requests.post(url, json=wish, headers=headers, timeout=10)
    assert twin.status_code == 425
    assert ident in twin.text
    shown = [requests.get(f"{url}/{ident}", headers=headers, timeout=10).json() for _ in range(3)]
    assert [s["status"] for s in shown] == ["PENDING", "PROCESSING", "COMPLETED"]
    rows: list[dict[str, Any]] = json.loads(gzip.decompress(requests.get(shown[-1]["url"], timeout=10).content))
    return rows


def test_ad_rows_restate_until_their_window_has_closed(server: SandboxServer) -> None:
    early = _ad_rows(server, "2026-03-18", "2026-03-18")
    server.state.now += 4 * 86_400
    late = _ad_rows(server, "2026-03-18", "2026-03-18")
    assert sum(r["cost"] for r in late) > sum(r["cost"] for r in early)
    assert all(r["campaignId"] > 2**53 for r in late)


def test_an_ad_report_of_more_than_31_days_is_refused(server: SandboxServer) -> None:
    headers, wish = _ads(server, "2026-02-01", "2026-03-10")
    refused = requests.post(f"{server.url}/ads/reporting/reports", json=wish, headers=headers, timeout=10)
    assert refused.status_code == 400


def test_mabang_accepts_only_a_signature_over_the_exact_body(server: SandboxServer) -> None:
    url = f"{server.url}/mabang/api/v2"
    body = json.dumps(
        {"api": "stock-do-search-sku-list-new", "appkey": mabang.APP_KEY, "timestamp": 1, "data": {"cursor": "1"}}
    ).encode()
    sign = hmac.new(mabang.TOKEN.encode(), body, hashlib.sha256).hexdigest()
    good = requests.post(url, data=body, headers={"Authorization": sign}, timeout=10).json()
    bad = requests.post(url, data=body + b" ", headers={"Authorization": sign}, timeout=10).json()
    assert good["code"] == "200"
    assert good["data"]["hasNext"]
    assert bad["code"] != "200"


def test_exchange_rates_have_no_weekends(server: SandboxServer) -> None:
    answer = requests.get(f"{server.url}/fx/v1/2026-03-12..2026-03-17", params={"symbols": "USD,JPY"}, timeout=10)
    assert sorted(answer.json()["rates"]) == ["2026-03-12", "2026-03-13", "2026-03-16", "2026-03-17"]


def test_slack_keeps_a_message_whose_answer_was_lost(server: SandboxServer) -> None:
    url, headers = f"{server.url}/slack/api", {"Authorization": "Bearer xoxb-sandbox"}
    requests.post(
        f"{server.url}/_control/faults", timeout=10, json={"kind": "reset_after", "path": "/slack/api/chat.postMessage"}
    )
    message = {"channel": "#kpi", "text": "x", "metadata": {"event_type": "a", "event_payload": {"alert_key": "k"}}}
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{url}/chat.postMessage", json=message, headers=headers, timeout=10)
    history = requests.get(
        f"{url}/conversations.history",
        headers=headers,
        timeout=10,
        params={"channel": "C-kpi", "include_all_metadata": "true"},
    ).json()
    assert [m["metadata"]["event_payload"]["alert_key"] for m in history["messages"]] == ["k"]


def test_a_world_ahead_of_the_real_clock_shows_all_that_has_happened_in_it(sp: Call, server: SandboxServer) -> None:
    world = server.state.world
    ahead = int(time.time()) + 6 * 3600
    shift = ahead - server.state.now
    orders = world.orders.copy()
    for moment in ("created", "cancelled", "cancel_requested", "shipped"):
        orders[moment] += np.where(orders[moment] < 2**61, shift, 0)
    server.state.world = dataclasses.replace(world, orders=orders)
    server.state.now = ahead
    params = {
        "marketplaceIds": US,
        "lastUpdatedAfter": iso(ahead - 3 * 3600),
        "lastUpdatedBefore": iso(int(time.time()) - 130),
    }
    answer = sp("us", "/orders/2026-01-01/orders", params=params)
    assert answer.status_code == 200
    assert answer.json()["orders"]


@pytest.mark.parametrize(("kind", "status"), [("fatal_report", "FATAL"), ("cancelled_report", "CANCELLED")])
def test_a_report_ends_as_planted(server: SandboxServer, sp: Call, kind: str, status: str) -> None:
    requests.post(f"{server.url}/_control/faults", json={"kind": kind, "path": "/sp/us/"}, timeout=10)
    root = "/reports/2021-06-30/reports"
    made = sp(
        "us", root, "POST", json={"reportType": "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA", "marketplaceIds": [US]}
    ).json()
    polls = [sp("us", f"{root}/{made['reportId']}").json() for _ in range(3)]
    assert polls[-1]["processingStatus"] == status
    assert ("reportDocumentId" in polls[-1]) == (status == "FATAL")


def test_a_planted_truncation_breaks_the_gzip(server: SandboxServer) -> None:
    requests.post(f"{server.url}/_control/faults", json={"kind": "truncate", "path": "/ads/download/"}, timeout=10)
    with pytest.raises(EOFError):
        _ad_rows(server, "2026-03-18", "2026-03-18")


def test_a_store_told_to_land_nothing_answers_empty_and_the_other_goes_on(server: SandboxServer, sp: Call) -> None:
    fault = {"kind": "empty", "path": "/sp/us/", "times": 99}
    requests.post(f"{server.url}/_control/faults", json=fault, timeout=10)
    assert _orders(sp, "us", US) == []
    assert _orders(sp, "jp", JP)


def test_tokens_can_be_made_to_expire_between_pages(server: SandboxServer) -> None:
    token = access_token(server, "AMAZON_US")
    requests.post(f"{server.url}/_control/expire_tokens", json={}, timeout=10)
    answer = requests.get(
        f"{server.url}/sp/us/orders/2026-01-01/orders",
        timeout=10,
        headers={"x-amz-access-token": token},
        params={"lastUpdatedAfter": SINCE},
    )
    assert answer.status_code == 403
