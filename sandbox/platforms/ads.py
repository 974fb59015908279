"""Amazon Ads v3: profiles, asynchronous Sponsored Products reports, and their gzipped JSON."""

from __future__ import annotations

import gzip
import json
import time
import uuid
from datetime import date, timedelta
from typing import Any

from sandbox.advertising import CAMPAIGNS, FIRST_CAMPAIGN, AdRow, days_between, shown_rows
from sandbox.catalogue import PRODUCTS, STORES, Store
from sandbox.platforms.state import State, credentials
from sandbox.platforms.wire import Answer, Ask, iso, reply

MAX_DAYS = 31
RETENTION_DAYS = 95
STATES = ("PENDING", "PROCESSING", "COMPLETED")
URL_SECONDS = 3600


def route(state: State, ask: Ask) -> Answer:
    """/ads/v2/profiles, /ads/reporting/reports[/{id}], /ads/download/{id} (signed, no token)."""
    path = ask.path.removeprefix("/ads")
    if path.startswith("/download/"):
        return _download(state, ask, path)
    token = ask.headers.get("authorization", "").removeprefix("Bearer ")
    prefix = state.token_owner(token) or ""
    store = next((s for s in STORES if prefix == f"AMAZON_{s.key.upper()}_ADS"), None)
    if store is None:
        return _error(401, "UNAUTHORIZED", "Not authorized to access this advertiser")
    if ask.headers.get("amazon-advertising-api-clientid") != credentials(prefix)[f"{prefix}_CLIENT_ID"]:
        return _error(401, "UNAUTHORIZED", "Amazon-Advertising-API-ClientId is missing or wrong")
    if path == "/v2/profiles":
        return reply(
            [
                {
                    "profileId": store.profile_id,
                    "countryCode": store.region,
                    "currencyCode": store.currency,
                    "timezone": store.timezone,
                    "accountInfo": {
                        "marketplaceStringId": store.marketplace_id,
                        "id": f"A1SANDBOX{store.region}",
                        "type": "seller",
                        "name": "Sandbox Outdoor",
                        "validPaymentMethod": True,
                    },
                }
            ]
        )
    if ask.headers.get("amazon-advertising-api-scope") != str(store.profile_id):
        return _error(401, "UNAUTHORIZED", "Amazon-Advertising-API-Scope is missing or wrong")
    if not state.admit(f"{store.key}/ads"):
        return reply({"code": "429", "details": "Too Many Requests"}, 429, Retry_After="0")
    if path == "/reporting/reports" and ask.method == "POST":
        return _create(state, ask, store)
    report = state.reports.get(path.removeprefix("/reporting/reports/"))
    if report is None or report["store"] != store.key or ask.method != "GET":
        return _error(404, "NOT_FOUND", "Report not found")
    with state.lock:
        stage = min(report["polls"], 2)
        report["polls"] += 1
    return reply(_shown(state, report, STATES[stage] if stage < 2 else report["end"]))


def _error(status: int, code: str, text: str) -> Answer:
    return reply({"code": code, "details": text}, status)


def _create(state: State, ask: Ask, store: Store) -> Answer:
    wish = ask.json()
    configuration = wish.get("configuration") or {}
    try:
        first, last = date.fromisoformat(wish["startDate"]), date.fromisoformat(wish["endDate"])
    except (KeyError, ValueError):
        return _error(400, "400", "startDate and endDate must be YYYY-MM-DD")
    if configuration.get("reportTypeId") != "spAdvertisedProduct" or configuration.get("groupBy") != ["advertiser"]:
        return _error(400, "400", "configuration: reportTypeId spAdvertisedProduct groups by advertiser")
    if configuration.get("timeUnit") != "DAILY" or configuration.get("format") != "GZIP_JSON":
        return _error(400, "400", "configuration: timeUnit DAILY and format GZIP_JSON are required")
    columns = configuration.get("columns") or []
    unknown = sorted(set(columns) - set(_row(state, store, _EMPTY)))
    if unknown or not columns:
        return _error(400, "400", f"configuration columns includes invalid values: ({', '.join(unknown)})")
    today = store.local_day(state.now)
    if last < first or (last - first).days >= MAX_DAYS:
        return _error(400, "400", f"startDate to endDate range must be at most {MAX_DAYS} days")
    if first < today - timedelta(days=RETENTION_DAYS) or last > today:
        return _error(400, "400", f"startDate must be within the last {RETENTION_DAYS} days, endDate not in the future")
    key = json.dumps([store.key, state.now, wish.get("startDate"), wish.get("endDate"), configuration], sort_keys=True)
    with state.lock:
        for ident, report in state.reports.items():
            if report.get("key") == key and report["polls"] < 2:
                return reply({"code": "425", "detail": f"The Request is a duplicate of : {ident}"}, 425)
        ident = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{key}{len(state.reports)}"))
        end = "FAILED" if state.take_fault("/ads/", {"fatal_report"}) is not None else "COMPLETED"
        rows = (
            []
            if state.has_fault("/ads/", "empty")
            else [row for day in days_between(first, last) for row in shown_rows(state.world, store, day, state.now)]
        )
        content = [{name: value for name, value in _row(state, store, row).items() if name in columns} for row in rows]
        report = {
            "id": ident,
            "store": store.key,
            "key": key,
            "polls": 0,
            "end": end,
            "wish": wish,
            "created": int(time.time()),
            "content": gzip.compress(json.dumps(content).encode(), mtime=0),
        }
        state.reports[ident] = report
    return reply(_shown(state, report, "PENDING"))


_EMPTY = AdRow(
    date(2000, 1, 1),
    FIRST_CAMPAIGN,
    0,
    0,
    0,
    0,
    0,
    0,
    dict.fromkeys((1, 7, 14, 30), 0),
    dict.fromkeys((1, 7, 14, 30), 0),
    0,
)


def _row(state: State, store: Store, row: AdRow) -> dict[str, Any]:
    product = PRODUCTS[row.product]
    number = (row.campaign_id - FIRST_CAMPAIGN) % 1000 % CAMPAIGNS + 1
    shown: dict[str, Any] = {
        "date": row.day.isoformat(),
        "campaignId": row.campaign_id,
        "campaignName": f"{store.region} camping {number}",
        "campaignStatus": "ENABLED",
        "campaignBudgetCurrencyCode": store.currency,
        "adGroupId": row.ad_group_id,
        "adGroupName": f"Group {number}",
        "adId": row.ad_id,
        "advertisedAsin": product.asin,
        "advertisedSku": product.sku,
        "impressions": row.impressions,
        "clicks": row.clicks,
        "cost": _money(store, row.cost),
        "spend": _money(store, row.cost),
    }
    for window in (1, 7, 14, 30):
        shown[f"sales{window}d"] = _money(store, row.sales[window])
        shown[f"purchases{window}d"] = row.purchases[window]
        shown[f"unitsSoldClicks{window}d"] = row.units_7d if window == 7 else row.purchases[window]
    return shown


def _money(store: Store, minor: int) -> float | int:
    return minor if store.minor == 1 else minor / store.minor


def _shown(state: State, report: dict[str, Any], status: str) -> dict[str, Any]:
    wish, ready = report["wish"], status == "COMPLETED"
    until = int(time.time()) + URL_SECONDS
    return {
        "reportId": report["id"],
        "name": wish.get("name"),
        "startDate": wish["startDate"],
        "endDate": wish["endDate"],
        "status": status,
        "createdAt": iso(report["created"]),
        "updatedAt": iso(report["created"]),
        "configuration": {"filters": None, **wish["configuration"]},
        "generatedAt": iso(state.now) if ready else None,
        "fileSize": len(report["content"]) if ready else None,
        "failureReason": "Internal error" if status == "FAILED" else None,
        "url": f"{state.url}/ads/download/{report['id']}?Expires={until}" if ready else None,
        "urlExpiresAt": iso(until) if ready else None,
    }


def _download(state: State, ask: Ask, path: str) -> Answer:
    report = state.reports.get(path.removeprefix("/download/"))
    if report is None or int(ask.query.get("Expires", "0")) < time.time():
        return Answer(403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
    return Answer(200, report["content"], {"Content-Type": "application/octet-stream"})
