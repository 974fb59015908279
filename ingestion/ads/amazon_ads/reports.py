"""Amazon Ads v3 asynchronous reports: create or join, poll, fetch the gzipped document."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from ingestion.connector import SourceError
from ingestion.http import Document, RefusedError, parse
from ingestion.lwa import Account

MEDIA = "application/vnd.createasyncreportrequest.v3+json"
DEADLINE_SECONDS = 3 * 3600.0
LONGEST_PAUSE = 60.0
_IDENT = re.compile(r"duplicate of\s*:\s*([\w\-]+)", re.IGNORECASE)


def requested(account: Account, root: str, columns: Sequence[str], first: date, last: date) -> str:
    """The id of a new daily report of advertised products, `first` and `last` included.

    An identical request, be it of a run that died, is answered 425 with the id of the report that is being made: that
    one is used. Raises SourceError or RefusedError.
    """
    body = {
        "name": f"crossborder-kpi {first} {last}", "startDate": str(first), "endDate": str(last),
        "configuration": {
            "adProduct": "SPONSORED_PRODUCTS", "groupBy": ["advertiser"], "reportTypeId": "spAdvertisedProduct",
            "timeUnit": "DAILY", "format": "GZIP_JSON", "columns": list(columns),
        },
    }  # fmt: skip
    try:
        answer = account.json(
            "POST", f"{root}/reporting/reports", data=json.dumps(body).encode(), headers={"Content-Type": MEDIA}
        )
        return str(answer["reportId"])
    except RefusedError as refused:
        told = refused.body if isinstance(refused.body, dict) else {}
        joined = _IDENT.search(str(told.get("detail") or told.get("details") or ""))
        if refused.status == 425 and joined:
            return joined.group(1)
        raise


def document(account: Account, root: str, ident: str, first: date, last: date, pause: float) -> Document:
    """The document of a report once it is COMPLETED; `pause` is the first wait between polls, in seconds.

    Raises SourceError when it ends FAILED, is not ready in 3 hours, is of other days, or stays expired or cut.
    """
    name = f"{account.http.name}: report {ident}"
    ready = [_finished(account, root, ident, pause)]
    if (ready[0].get("startDate"), ready[0].get("endDate")) != (str(first), str(last)):
        raise SourceError(f"{name} is not of {first} to {last}; the next run asks again")

    def locate() -> tuple[str, bool]:
        report = ready.pop() if ready else _finished(account, root, ident, pause)
        return str(report["url"]), True

    return account.http.document(locate, f"report {ident}")


def entries(account: Account, ident: str, content: bytes) -> list[Any]:
    """The rows of a document, amounts as exact decimals. Raises SourceError when it is no list."""
    try:
        found = parse(content)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise SourceError(f"{account.http.name}: report {ident} is no list of rows; the next run asks again")
    return found


def _finished(account: Account, root: str, ident: str, pause: float) -> dict[str, Any]:
    name, waited = f"{account.http.name}: report {ident}", 0.0
    while waited < DEADLINE_SECONDS:
        report: dict[str, Any] = account.json("GET", f"{root}/reporting/reports/{ident}")
        if report.get("status") == "COMPLETED":
            return report
        if report.get("status") in ("FAILED", "FAILURE", "CANCELLED"):
            reason = " ".join(str(report.get("failureReason") or "no reason given").split())[:100]
            raise SourceError(f"{name} ended {report['status']} at Amazon ({reason}); the next run asks again")
        account.http.sleep(pause)
        waited += pause
        pause = min(LONGEST_PAUSE, pause * 2)
    raise SourceError(f"{name} was not ready in 3 hours; the next run takes it up")
