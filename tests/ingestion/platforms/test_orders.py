"""Amazon's connector against a fake session: nothing sleeps, nothing leaves the process."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from pydantic import SecretStr

from ingestion.company import Source
from ingestion.connector import Archive, Cursor, Quarantined, Request, Rows, SourceError
from ingestion.http import Client
from ingestion.platforms.amazon import connect
from ingestion.platforms.amazon.orders import flatten as flatten_order
from ingestion.platforms.amazon.transactions import flatten

ORDER = {"orderId": "1", "createdTime": "2026-03-01T00:00:00Z", "lastUpdatedTime": "2026-03-02T00:00:00Z"}
Scripted = tuple[int, Any]


class FakeSession:
    """Answers the token endpoint as told and everything else from a script."""

    def __init__(self, script: list[Scripted], token: Scripted = (200, {"access_token": "secret-token"})) -> None:
        self.script, self.token, self.tokens_asked = script, token, 0

    def request(self, method: str, url: str, **_: object) -> requests.Response:
        if "/o2/token" in url:
            self.tokens_asked += 1
            status, body = self.token
        else:
            status, body = self.script.pop(0)
        answer = requests.Response()
        answer.status_code = status
        answer._content = json.dumps(body).encode()
        return answer


def source() -> Source:
    made = Source.model_validate({"id": "us_sp", "system": "amazon", "marketplace": "US", "credentials": "AMAZON_US"})
    made.use_secrets({k: SecretStr("x") for k in ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN")})
    return made


def events(session: FakeSession) -> Iterator[object]:
    client = Client("us_sp", sleep=lambda _: None, clock=lambda: 0.0, session=cast(requests.Session, session))
    request = Request(
        date(2026, 3, 3), datetime(2026, 3, 3, 12, tzinfo=UTC), date(2026, 3, 1), None, None, None, cast(Archive, None)
    )
    return iter(connect(source(), client).resources[0].extract(request))


def test_an_empty_page_in_mid_stream_is_not_the_end() -> None:
    found = list(events(FakeSession([(200, {"orders": [], "pagination": {"nextToken": "a"}}),
                                     (200, {"orders": [ORDER]})])))  # fmt: skip
    assert sum(e.data.num_rows for e in found if isinstance(e, Rows)) == 1
    assert Cursor("2026-03-02T00:00:00+00:00") in found


def test_a_page_token_that_repeats_for_ever_is_an_error() -> None:
    page = (200, {"orders": [], "pagination": {"nextToken": "a"}})
    with pytest.raises(SourceError, match="repeats its page token"):
        list(events(FakeSession([page, page, page])))


def test_a_token_that_dies_in_mid_page_is_renewed_and_the_page_repeated() -> None:
    session = FakeSession([(403, {}), (200, {"orders": [ORDER]})])
    assert any(isinstance(e, Rows) for e in events(session))
    assert session.tokens_asked == 2


def test_a_revoked_refresh_token_names_its_variable_and_no_secret() -> None:
    with pytest.raises(SourceError, match=r"invalid_grant.*renew AMAZON_US_REFRESH_TOKEN"):
        list(events(FakeSession([], token=(400, {"error": "invalid_grant"}))))


def test_throttling_and_server_errors_are_waited_out() -> None:
    session = FakeSession([(429, {}), (503, {}), (200, {"orders": [ORDER]})])
    assert any(isinstance(e, Rows) for e in events(session))


def test_an_order_without_its_id_is_quarantined_and_the_others_land() -> None:
    broken = {k: v for k, v in ORDER.items() if k != "orderId"}
    found = list(events(FakeSession([(200, {"orders": [broken, ORDER]})])))
    assert [e.line for e in found if isinstance(e, Quarantined)] == [1]
    assert sum(e.data.num_rows for e in found if isinstance(e, Rows)) == 1


def test_a_transactions_own_breakdowns_do_not_count_its_items_twice() -> None:
    leaf = [{"breakdownType": "Tax", "breakdownAmount": {"currencyAmount": Decimal("1.10"), "currencyCode": "USD"}}]
    entry = {"transactionId": "t", "postedDate": "2026-03-01T00:00:00Z", "breakdowns": leaf,
             "items": [{"breakdowns": leaf}]}  # fmt: skip
    assert [row["amount"] for row in flatten(entry)] == [Decimal("1.10")]


@pytest.mark.shared_data
def test_recorded_orders_of_the_official_spec_flatten() -> None:
    path = Path(os.environ.get("KPI_SHARED", "../shared")) / "specs/amazon_sp_api/orders_2026-01-01.json"
    if not path.exists():
        pytest.skip("the official specs are not at hand")
    found: list[dict[str, Any]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "orderId" in node and "lastUpdatedTime" in node and isinstance(node["orderId"], str):
                found.append(node)
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                walk(child)

    walk(json.loads(path.read_text(encoding="utf-8")))
    assert found
    for order in found:
        flatten_order(order)
