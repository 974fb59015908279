"""SP-API reports (2021-06-30): take up or create, poll, fetch the document behind a URL that lives five minutes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ingestion.connector import SourceError
from ingestion.http import Document
from ingestion.platforms.amazon.client import SellingPartner
from ingestion.platforms.amazon.window import text
from ingestion.values import setting

ROOT = "/reports/2021-06-30"
DEADLINE_SECONDS = 1800.0
LONGEST_PAUSE = 30.0


def requested(account: SellingPartner, kind: str, now: datetime) -> str:
    """The id of a report of this kind: one still in the making for this marketplace, else a new one.

    A run that died while polling is so taken up again; Amazon refuses to make some kinds twice within half an hour.
    """
    running = account.get(
        f"{ROOT}/reports",
        {
            "reportTypes": kind, "processingStatuses": "IN_QUEUE,IN_PROGRESS",
            "marketplaceIds": account.marketplace_id, "createdSince": text(now - timedelta(minutes=30)),
        },
    )  # fmt: skip
    for report in running.get("reports") or []:
        if report.get("marketplaceIds") in (None, [account.marketplace_id]):
            return str(report["reportId"])
    wish = {"reportType": kind, "marketplaceIds": [account.marketplace_id]}
    return str(account.post(f"{ROOT}/reports", json.dumps(wish).encode())["reportId"])


def finished(account: SellingPartner, kind: str, ident: str) -> dict[str, Any]:
    """The report once it is DONE or CANCELLED. Raises SourceError when it ends FATAL or stays unfinished."""
    http, pause, waited = account.account.http, setting(account.source, "poll_seconds", 0.2), 0.0
    name = f"{account.source.id}: report {ident} ({kind})"
    while waited < DEADLINE_SECONDS:
        report: dict[str, Any] = account.get(f"{ROOT}/reports/{ident}")
        status = report.get("processingStatus")
        if status in ("DONE", "CANCELLED"):
            return report
        if status == "FATAL":
            raise SourceError(
                f"{name} ended FATAL; Amazon makes it at most once in 30 minutes, the next run asks again"
            )
        http.sleep(pause)
        waited += pause
        pause = min(LONGEST_PAUSE, pause * 2)
    raise SourceError(f"{name} was not ready in 30 minutes; the next run takes it up")


def document(account: SellingPartner, report: Mapping[str, Any]) -> Document:
    """The report's document. Raises SourceError when it stays expired or cut."""

    def locate() -> tuple[str, bool]:
        found = account.get(f"{ROOT}/documents/{report['reportDocumentId']}")
        return str(found["url"]), found.get("compressionAlgorithm") == "GZIP"

    return account.account.http.document(locate, f"the document of report {report['reportId']}")


def rows(
    account: SellingPartner, found: Document, headers: Mapping[str, Sequence[str]], needed: Sequence[str], ident: str
) -> tuple[Iterator[tuple[int, dict[str, str]]], list[str], list[str]]:
    """A tab-separated report: (line, cells by column), unknown headers, columns that it lacks.

    A line of another width than the header has no cells.

    Args:
        headers: column to the headers it goes by, in any case.
        needed: columns without which the report says nothing.

    Raises SourceError when a needed column is nowhere.
    """
    reader = csv.reader(io.StringIO(_decoded(account, found), newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    names = [name.strip() for name in next(reader, [])]
    column_of = {header.casefold(): column for column, aliases in headers.items() for header in aliases}
    columns = [column_of.get(name.casefold()) for name in names]
    lacking = [column for column in headers if column not in columns]
    for column in needed:
        if column in lacking:
            raise SourceError(
                f"{account.source.id}: report {ident} has no column {headers[column][0]}; if its headers are in "
                "another language, set the account's report language to English"
            )

    def cells() -> Iterator[tuple[int, dict[str, str]]]:
        for line, values in enumerate(reader, 2):
            if values:
                whole = values if len(values) == len(names) else []
                yield line, {c: v.strip() for c, v in zip(columns, whole, strict=False) if c is not None}

    return cells(), [n for n, c in zip(names, columns, strict=True) if c is None], lacking


def _decoded(account: SellingPartner, found: Document) -> str:
    """UTF-8 where it is, else what the server names, else what Amazon uses there. Never guessed from bytes alone:

    half of western Europe's accented letters are valid Shift-JIS too. A byte that fits nowhere becomes U+FFFD, and the
    row that needs it is quarantined.
    """
    try:
        return found.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    named = (found.charset or "").lower().replace("-", "_")
    if named in ("", "utf_8", "utf8"):
        named = "shift_jis" if account.place == "JP" else "cp1252"
    # Amazon's Shift_JIS and ISO-8859-1 are Windows' wider ones.
    wider = {"shift_jis": "cp932", "iso_8859_1": "cp1252", "windows_1252": "cp1252", "windows_31j": "cp932"}
    try:
        return found.content.decode(wider.get(named, named), errors="replace")
    except LookupError:
        raise SourceError(f"{account.source.id}: a report is in {named}, which is unknown here") from None
