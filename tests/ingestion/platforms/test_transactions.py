"""Finance transactions over real sockets: windows, paging, restatement, and the rows that must be in the lake."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ingestion.connector import Cursor, Drift, Event, Notice, Quarantined, Request, SourceError
from ingestion.platforms.amazon import connect
from ingestion.platforms.amazon.transactions import flatten
from tests.ingestion.loopback import Ask, Loopback, Naps, Reply, Serve, covered, extract, reply, request, rows, source

US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"


def amount(value: float | str, currency: str = "USD") -> dict[str, Any]:
    return {"currencyAmount": value, "currencyCode": currency}


def leaf(kind: str, value: float) -> dict[str, Any]:
    return {"breakdownType": kind, "breakdownAmount": amount(value), "breakdowns": []}


def posted(number: str | None = "t1", **more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "transactionId": number, "transactionType": "Shipment", "transactionStatus": "RELEASED",
        "postedDate": "2026-03-02T10:00:00Z", "totalAmount": amount(10.5), "breakdowns": [leaf("Sales", 10.5)],
        "marketplaceDetails": {"marketplaceId": US},
    }  # fmt: skip
    return {k: v for k, v in {**known, **more}.items() if v is not None}


def page(*found: dict[str, Any], token: str | None = None) -> Reply:
    return reply({"payload": {"transactions": list(found), "nextToken": token}})


def read(server: Loopback, wish: Request | None = None, place: str = "US", **settings: Any) -> list[Event]:
    made = source("amazon", server.url, marketplace=place, **settings)
    return extract(connect(made, Naps().client("shop")), "transactions", wish)


def names(found: list[Event]) -> list[str]:
    return [row["transaction_id"] for row in rows(found, "transactions")]


def test_empty_pages_in_mid_stream_are_not_the_end(serve: Serve) -> None:
    server = serve([page(posted("a"), token="1"), page(token="2"), page(token="3"), page(posted("b"))])
    assert names(read(server)) == ["a", "b"]


def test_no_window_is_longer_than_180_days_and_none_leaves_a_gap(serve: Serve) -> None:
    server = serve(lambda _: page())
    read(server, request(first_day=date(2024, 12, 1)))
    moments = [datetime.fromisoformat(ask.query[k]) for ask in server.asked for k in ("postedAfter", "postedBefore")]
    assert len(server.asked) == 3
    assert all(end - start <= timedelta(days=180) for start, end in zip(moments[::2], moments[1::2], strict=True))
    assert moments[1:-1:2] == moments[2::2]
    assert moments[0] <= datetime(2024, 12, 1, tzinfo=UTC)
    assert moments[-1] <= datetime(2026, 3, 20, 11, 58, tzinfo=UTC)


def test_a_transaction_on_the_edge_of_two_windows_or_pages_counts_once(serve: Serve) -> None:
    edge = posted("edge")
    answers = [page(posted("a"), edge, token="1"), page(edge), page(edge, posted("b"))]
    assert names(read(serve(answers), request(first_day=date(2025, 9, 1)))) == ["a", "edge", "b"]


def test_the_last_48_hours_are_read_but_not_called_covered(serve: Serve) -> None:
    found = covered(read(serve([page()]), request("2026-03-20", date_from=date(2026, 3, 15))))
    assert found == [date(2026, 3, day) for day in (15, 16, 17)]


def test_a_later_read_goes_35_days_behind_the_newest_posting_for_deferred_is_restated(serve: Serve) -> None:
    server = serve([page(posted(postedDate="2026-03-10T00:00:00Z"))])
    found = read(server, request(cursor="2026-03-08T00:00:00+00:00"))
    assert server.asked[0].query["postedAfter"] == "2026-02-01T00:00:00Z"
    assert Cursor("2026-03-10T00:00:00+00:00") in found


def test_a_deferred_transaction_and_its_release_name_each_other(serve: Serve) -> None:
    deferred = posted("d", transactionStatus="DEFERRED_RELEASED", relatedIdentifiers=[
        {"relatedIdentifierName": "RELEASE_TRANSACTION_ID", "relatedIdentifierValue": "r"}])  # fmt: skip
    release = posted("r", relatedIdentifiers=[
        {"relatedIdentifierName": "DEFERRED_TRANSACTION_ID", "relatedIdentifierValue": "d"}])  # fmt: skip
    found = rows(read(serve([page(deferred, release)])), "transactions")
    assert [(r["transaction_status"], r["deferred_transaction_id"], r["release_transaction_id"]) for r in found] == [
        ("DEFERRED_RELEASED", None, "r"), ("RELEASED", "d", None),
    ]  # fmt: skip


def test_a_refund_is_dated_on_its_own_day_and_not_on_the_orders(serve: Serve) -> None:
    refund = posted(transactionType="Refund", postedDate="2026-03-09T23:30:00-08:00", relatedIdentifiers=[
        {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": "1"}])  # fmt: skip
    found = rows(read(serve([page(refund)])), "transactions")[0]
    assert (found["posted_at"], found["order_id"]) == (datetime(2026, 3, 10, 7, 30, tzinfo=UTC), "1")


def test_us_sellers_own_shipments_are_not_lost_to_the_marketplace_filter(serve: Serve) -> None:
    server = serve([page(posted("mine"), posted("canada", marketplaceDetails={"marketplaceId": CA}),
                         posted("account", marketplaceDetails=None))])  # fmt: skip
    assert names(read(server)) == ["mine", "account"]
    assert "marketplaceId" not in server.asked[0].query


def test_elsewhere_the_marketplace_is_asked_for_so_that_account_entries_count_in_one_store_only(serve: Serve) -> None:
    server = serve([page(posted(marketplaceDetails={"marketplaceId": CA}))])
    assert names(read(server, place="CA")) == ["t1"]
    assert server.asked[0].query["marketplaceId"] == CA


def test_transactions_without_an_id_all_count_and_keep_their_ids_from_read_to_read(serve: Serve) -> None:
    twins = [posted(None), posted(None)]
    restated = [posted(None, transactionStatus="DEFERRED"), posted(None)]
    first, again = names(read(serve([page(*twins)]))), names(read(serve([page(*restated)])))
    assert len(set(first)) == 2
    assert again == first


def test_a_transactions_own_breakdowns_do_not_count_its_items_twice() -> None:
    own = [{"breakdownType": "Tax", "breakdownAmount": {"currencyAmount": Decimal("1.10"), "currencyCode": "USD"}}]
    entry = {"transactionId": "t", "postedDate": "2026-03-01T00:00:00Z", "breakdowns": own,
             "items": [{"breakdowns": own}]}  # fmt: skip
    assert [row["amount"] for row in flatten(entry)] == [Decimal("1.10")]


def test_leaves_keep_their_path_and_exact_amounts(serve: Serve) -> None:
    tree = {"breakdownType": "Fees", "breakdownAmount": amount(0.3), "breakdowns": [leaf("A", 0.1), leaf("B", 0.2)]}
    found = rows(read(serve([page(posted(breakdowns=[tree], totalAmount=amount(0.3)))])), "transactions")
    assert [(r["breakdown_path"], r["amount"]) for r in found] == [
        ("Fees/A", Decimal("0.1")), ("Fees/B", Decimal("0.2"))]  # fmt: skip


def test_a_transaction_that_does_not_add_up_is_told(serve: Serve) -> None:
    found = read(serve([page(posted(totalAmount=amount(11)))]))
    assert [e.message for e in found if isinstance(e, Notice)] == ["1 transactions do not add up to their totalAmount"]


@pytest.mark.parametrize(
    "broken",
    [
        {"postedDate": None}, {"postedDate": "2026-03-02T10:00:00"}, {"totalAmount": amount("ten")},
        {"breakdowns": [leaf("Sales", 1e15)]}, {"description": {"text": "x"}}, {"items": ["x"]},
    ],
)  # fmt: skip
def test_a_broken_transaction_is_quarantined_and_its_neighbours_land(serve: Serve, broken: dict[str, Any]) -> None:
    found = read(serve([page(posted("a"), posted("b", **broken), posted("c"))]))
    assert [(e.file, e.line) for e in found if isinstance(e, Quarantined)] == [("transactions page 1", 2)]
    assert names(found) == ["a", "c"]


def test_unknown_fields_are_reported_once(serve: Serve) -> None:
    new = posted(levy=amount(1), items=[{"breakdowns": [leaf("Sales", 10.5)], "lot": "x"}])
    drift = [e for e in read(serve([page(new, {**new, "transactionId": "t2"})])) if isinstance(e, Drift)]
    assert {(e.column, e.detected_type) for e in drift} == {("levy", "object"), ("items.lot", "string")}
    assert len(drift) == 2


def test_an_error_sent_as_a_page_is_not_taken_for_an_empty_one(serve: Serve) -> None:
    with pytest.raises(SourceError, match="a broken answer"):
        read(serve(lambda _: reply({"errors": [{"code": "InternalFailure"}]})))


def test_a_token_that_dies_between_pages_costs_no_page(serve: Serve) -> None:
    state = {"pages": 0}

    def platform(ask: Ask) -> Reply:
        if ask.headers["x-amz-access-token"] == "token-1" and state["pages"] == 1:
            return reply({}, 403)
        state["pages"] += 1
        return page(posted(str(state["pages"])), token="2" if state["pages"] == 1 else None)

    assert names(read(serve(platform))) == ["1", "2"]
