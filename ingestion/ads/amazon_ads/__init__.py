"""Amazon Ads v3 reports: Sponsored Products by advertised product and day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from ingestion.ads.amazon_ads import reports
from ingestion.company import Source
from ingestion.connector import (
    ArchivedFile,
    Connector,
    Covered,
    Cursor,
    Drift,
    Event,
    FileLanded,
    Notice,
    PartlyReadError,
    Quarantined,
    Report,
    Request,
    Resource,
    Rows,
    SourceError,
)
from ingestion.http import Client
from ingestion.lwa import Account
from ingestion.values import Unknown, ident, money, setting, text, whole

HOSTS = {"na": "advertising-api", "eu": "advertising-api-eu", "fe": "advertising-api-fe"}
MAX_DAYS, RETENTION_DAYS, LOOK_BACK_DAYS = 31, 95, 45
_TEXT, _COUNT, _MONEY = pa.string(), pa.int64(), pa.decimal128(20, 9)
IDENTS = {"campaign_id": "campaignId", "ad_group_id": "adGroupId", "ad_id": "adId"}
TEXTS = {"campaign_name": "campaignName", "ad_group_name": "adGroupName", "asin": "advertisedAsin",
         "sku": "advertisedSku", "currency": "campaignBudgetCurrencyCode"}  # fmt: skip
MONIES = {"cost": "cost", **{f"sales_{n}d": f"sales{n}d" for n in (1, 7, 14, 30)}}
COUNTS = {"impressions": "impressions", "clicks": "clicks",
          **{f"purchases_{n}d": f"purchases{n}d" for n in (1, 7, 14, 30)}, "units_7d": "unitsSoldClicks7d"}  # fmt: skip
COLUMNS = ("date", *IDENTS.values(), *TEXTS.values(), *MONIES.values(), *COUNTS.values())
TABLE = "sp_advertised_product"
SCHEMA = pa.schema([
    ("report_date", pa.date32()), ("account_id", _TEXT), ("campaign_id", _TEXT), ("campaign_name", _TEXT),
    ("ad_group_id", _TEXT), ("ad_group_name", _TEXT), ("ad_id", _TEXT), ("asin", _TEXT), ("sku", _TEXT),
    ("currency", _TEXT), *[(n, _MONEY) for n in MONIES], *[(n, _COUNT) for n in COUNTS],
])  # fmt: skip


def connect(source: Source, client: Client | None = None) -> Connector:
    """One profile's reports. Raises SourceError when a secret is missing or an option is none."""
    region = str(source.options.get("region") or "na").lower()
    if region not in HOSTS:
        raise SourceError(f"{source.id}: region must be one of {', '.join(HOSTS)}")
    root = (source.base_url or f"https://{HOSTS[region]}.amazon.com").rstrip("/")
    profile = str(source.options.get("profile_id") or source.secret("PROFILE_ID"))
    client_id = source.secret("CLIENT_ID")
    look_back = timedelta(days=int(max(LOOK_BACK_DAYS, setting(source, "look_back_days", LOOK_BACK_DAYS))))
    pause = setting(source, "poll_seconds", 0.2)
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
        first, last, lost = wanted(request, look_back)
        if lost:
            yield Notice(f"{lost} days before {first} are older than the {RETENTION_DAYS} days that Amazon keeps")
        # All at once: Amazon makes them side by side, and each may take hours.
        asked = [
            (begin, end, reports.requested(account, root, COLUMNS, begin, end)) for begin, end in spans(first, last)
        ]
        for begin, end, report_id in asked:
            yield Report(report_id)
            try:
                content = reports.document(account, root, report_id, begin, end, pause).content
                entries = reports.entries(account, report_id, content)
            except SourceError as trouble:
                if begin == first:
                    raise
                # The days before this report are whole and stay; the cursor stands at their end.
                raise PartlyReadError(str(trouble)) from None
            name = f"{TABLE}_{begin}_{end}_{report_id}.json"
            yield from _land(entries, request.archive(name, content), name, profile, begin, end)
            yield Covered(profile, [begin + timedelta(days=n) for n in range((end - begin).days + 1)])
            yield Cursor(str(end))

    def check() -> str:
        profiles = account.json("GET", f"{root}/v2/profiles")
        if profile not in [str(found.get("profileId")) for found in profiles]:
            raise SourceError(f"{source.id}: this login has no profile {profile}; correct PROFILE_ID or the region")
        return f"{source.id}: connected, profile {profile}"

    return Connector([Resource(TABLE, {TABLE: SCHEMA}, extract)], check)


def wanted(request: Request, look_back: timedelta) -> tuple[date, date, int]:
    """First and last day to ask for, and how many days that Amazon no longer keeps had been wanted.

    Conversions are restated for 45 days: a day is final only when a run has read it that much later. So the look-back
    counts from the newest day landed, not from today, and a pause between runs leaves no day behind.
    """
    last = request.as_of_day - timedelta(days=1)
    if request.date_to:
        last = min(last, request.date_to)
    first = request.first_day
    if request.date_from:
        first = max(first, request.date_from)
    elif request.cursor:
        newest = min(date.fromisoformat(request.cursor), request.as_of_day)
        first = max(first, newest - look_back)
    kept = request.as_of_day - timedelta(days=RETENTION_DAYS)
    return max(first, kept), last, max(0, (kept - first).days)


def spans(first: date, last: date) -> list[tuple[date, date]]:
    """The days from `first` to `last` in pieces that one request may hold."""
    days = range(0, (last - first).days + 1, MAX_DAYS)
    return [(first + timedelta(days=n), min(last, first + timedelta(days=n + MAX_DAYS - 1))) for n in days]


def _land(
    entries: list[Any], archived: ArchivedFile, name: str, profile: str, first: date, last: date
) -> Iterator[Event]:
    rows: list[dict[str, Any]] = []
    unknown, known, absent = Unknown(TABLE), frozenset(COLUMNS), set[str]()
    for line, entry in enumerate(entries, 1):
        try:
            rows.append(_row(entry, profile, first, last))
        except (KeyError, ValueError, TypeError, AttributeError):
            yield Quarantined(TABLE, name, line, "no id, no date of the report's days, or a number is no number")
            continue
        if entry.keys() != known:
            yield from unknown.look(entry, known)
            absent |= known - entry.keys()
    for column in sorted(absent):
        yield Drift(TABLE, column, "absent")
    if rows:
        yield Rows(TABLE, pa.Table.from_pylist(rows, schema=SCHEMA))
    yield FileLanded(name, archived, len(entries), len(rows), len(entries) - len(rows))


def _row(entry: dict[str, Any], profile: str, first: date, last: date) -> dict[str, Any]:
    day = date.fromisoformat(entry["date"])
    if not first <= day <= last:
        raise ValueError("date")
    return {
        "report_date": day, "account_id": profile, **{n: ident(entry[k]) for n, k in IDENTS.items()},
        **{n: text(entry.get(k)) for n, k in TEXTS.items()}, **{n: money(entry.get(k)) for n, k in MONIES.items()},
        **{n: whole(entry.get(k)) for n, k in COUNTS.items()},
    }  # fmt: skip
