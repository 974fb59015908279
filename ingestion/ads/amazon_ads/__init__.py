"""Amazon Ads v3 reports: Sponsored Products by advertised product and day."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from ingestion.company import Source
from ingestion.connector import (
    Connector,
    Covered,
    Cursor,
    Event,
    Quarantined,
    Report,
    Request,
    Resource,
    Rows,
    SourceError,
)
from ingestion.http import Client, RefusedError, parse
from ingestion.lwa import Account

HOSTS = {"na": "advertising-api", "eu": "advertising-api-eu", "fe": "advertising-api-fe"}
MEDIA = "application/vnd.createasyncreportrequest.v3+json"
MAX_DAYS, RETENTION_DAYS, LOOK_BACK_DAYS = 31, 95, 45
DEADLINE_SECONDS = 3 * 3600.0
_TEXT, _COUNT, _MONEY = pa.string(), pa.int64(), pa.decimal128(20, 9)
TEXTS = {
    "campaign_id": "campaignId", "campaign_name": "campaignName", "ad_group_id": "adGroupId",
    "ad_group_name": "adGroupName", "ad_id": "adId", "asin": "advertisedAsin", "sku": "advertisedSku",
    "currency": "campaignBudgetCurrencyCode",
}  # fmt: skip
MONIES = {"cost": "cost", **{f"sales_{n}d": f"sales{n}d" for n in (1, 7, 14, 30)}}
COUNTS = {"impressions": "impressions", "clicks": "clicks",
          **{f"purchases_{n}d": f"purchases{n}d" for n in (1, 7, 14, 30)}, "units_7d": "unitsSoldClicks7d"}  # fmt: skip
SCHEMA = pa.schema([
    ("report_date", pa.date32()), ("account_id", _TEXT), *[(n, _TEXT) for n in TEXTS], *[(n, _MONEY) for n in MONIES],
    *[(n, _COUNT) for n in COUNTS],
])  # fmt: skip


def connect(source: Source, client: Client | None = None) -> Connector:
    """One profile's reports. Raises SourceError when a secret is missing."""
    region = str(source.options.get("region") or "na").lower()
    if region not in HOSTS:
        raise SourceError(f"{source.id}: region must be one of {', '.join(HOSTS)}")
    root = (source.base_url or f"https://{HOSTS[region]}.amazon.com").rstrip("/")
    profile = str(source.options.get("profile_id") or source.secret("PROFILE_ID"))
    client_id = source.secret("CLIENT_ID")
    account = Account(
        source,
        lambda token: {
            "Authorization": f"Bearer {token}",
            "Amazon-Advertising-API-ClientId": client_id,
            "Amazon-Advertising-API-Scope": profile,
        },
        client,
    )

    def extract(request: Request) -> Iterator[Event]:
        last = min(request.date_to or request.as_of_day, request.as_of_day - timedelta(days=1))
        first = request.date_from or (
            request.first_day if request.cursor is None else request.as_of_day - timedelta(days=LOOK_BACK_DAYS)
        )
        first = max(first, request.first_day, request.as_of_day - timedelta(days=RETENTION_DAYS))
        while first <= last:
            end = min(last, first + timedelta(days=MAX_DAYS - 1))
            ident = _create(account, root, first, end)
            yield Report(ident)
            yield from _land(_document(account, root, ident), profile, ident, first, end)
            yield Covered(profile, [first + timedelta(days=n) for n in range((end - first).days + 1)])
            yield Cursor(str(end))
            first = end + timedelta(days=1)

    def check() -> str:
        account.json("GET", f"{root}/v2/profiles")
        return f"{source.id}: connected, profile {profile}"

    name = "sp_advertised_product"
    return Connector([Resource(name, {name: SCHEMA}, extract)], check)


def _create(account: Account, root: str, first: date, last: date) -> str:
    """The id of a new report, or of the one that Amazon is already making for the same request (425)."""
    body = {
        "name": f"crossborder-kpi {first} {last}", "startDate": str(first), "endDate": str(last),
        "configuration": {
            "adProduct": "SPONSORED_PRODUCTS", "groupBy": ["advertiser"], "reportTypeId": "spAdvertisedProduct",
            "timeUnit": "DAILY", "format": "GZIP_JSON",
            "columns": ["date", *TEXTS.values(), *MONIES.values(), *COUNTS.values()],
        },
    }  # fmt: skip
    try:
        answer = account.json(
            "POST", f"{root}/reporting/reports", data=json.dumps(body).encode(), headers={"Content-Type": MEDIA}
        )
        return str(answer["reportId"])
    except RefusedError as refused:
        detail = str((refused.body or {}).get("detail") or "") if isinstance(refused.body, dict) else ""
        if refused.status == 425 and ":" in detail:
            return detail.rsplit(":", 1)[1].strip()
        raise


def _document(account: Account, root: str, ident: str) -> list[dict[str, Any]]:
    name = account.http.name
    pause, waited = 0.2, 0.0
    while waited < DEADLINE_SECONDS:
        report = account.json("GET", f"{root}/reporting/reports/{ident}")
        if report["status"] == "COMPLETED":
            try:
                found = parse(gzip.decompress(account.http.send("GET", report["url"]).content))
            except (EOFError, OSError, zlib.error, ValueError):
                raise SourceError(f"{name}: report {ident} is truncated; the next run asks again") from None
            if isinstance(found, list):
                return found
            raise SourceError(f"{name}: report {ident} is no list of rows; the next run asks again")
        if report["status"] == "FAILED":
            raise SourceError(f"{name}: report {ident} FAILED at Amazon; the next run asks again")
        account.http.sleep(pause)
        waited += pause
        pause = min(60.0, pause * 2)
    raise SourceError(f"{name}: report {ident} was not ready in 3 hours; the next run asks again")


def _land(found: list[dict[str, Any]], profile: str, ident: str, first: date, last: date) -> Iterator[Event]:
    rows: list[dict[str, Any]] = []
    for line, entry in enumerate(found, 1):
        try:
            row: dict[str, Any] = {"report_date": date.fromisoformat(entry["date"]), "account_id": profile}
            if not first <= row["report_date"] <= last:
                raise ValueError("date")
            row |= {n: None if entry.get(k) is None else str(entry[k]) for n, k in TEXTS.items()}
            row |= {n: None if entry.get(k) is None else Decimal(str(entry[k])).quantize(Decimal("1e-9"))
                    for n, k in MONIES.items()}  # fmt: skip
            row |= {n: None if entry.get(k) is None else int(entry[k]) for n, k in COUNTS.items()}
        except (KeyError, ValueError, TypeError, InvalidOperation):
            reason = "no date of the window, or a number is no number"
            yield Quarantined("sp_advertised_product", f"report {ident}", line, reason)
            continue
        rows.append(row)
    if rows:
        yield Rows("sp_advertised_product", pa.Table.from_pylist(rows, schema=SCHEMA))
