"""Orders over real sockets: paging, tokens, windows, and what must be in the lake afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ingestion.connector import Cursor, Drift, Event, Quarantined, Request, SourceError
from ingestion.platforms.amazon import client, connect
from tests.ingestion.loopback import Ask, Loopback, Naps, Reply, Serve, covered, extract, reply, request, rows, source


def money(amount: str, currency: str = "USD") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


def item(number: str = "11", **more: Any) -> dict[str, Any]:
    return {"orderItemId": number, "quantityOrdered": 1, "product": {"sellerSku": "A", "asin": "B"}, **more}


def order(number: str = "1", updated: str = "2026-03-02T00:00:00Z", **more: Any) -> dict[str, Any]:
    known = {"orderId": number, "createdTime": "2026-03-01T00:00:00Z", "lastUpdatedTime": updated,
             "salesChannel": {"channelName": "AMAZON"}, "orderItems": [item()]}  # fmt: skip
    return {**known, **more}


def page(*orders: dict[str, Any], token: str | None = None) -> Reply:
    return reply({"orders": list(orders), **({"pagination": {"nextToken": token}} if token else {})})


def read(server: Loopback, wish: Request | None = None, **settings: Any) -> list[Event]:
    made = source("amazon", server.url, marketplace="US", **settings)
    return extract(connect(made, Naps().client("shop")), "orders", wish)


def of_item(serve: Serve, **more: Any) -> dict[str, Any]:
    """The lake's row of one item."""
    return rows(read(serve([page(order(orderItems=[item(**more)]))])), "order_items")[0]


def proceeds(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"breakdowns": list(parts)}


def part(kind: str, amount: str, shares: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    details = [{"subtype": name, "value": money(value)} for name, value in shares]
    return {"type": kind, "subtotal": money(amount), **({"detailedBreakdowns": details} if details else {})}


def test_an_empty_page_in_mid_stream_is_not_the_end(serve: Serve) -> None:
    found = read(serve([page(token="a"), page(token="b"), page(order())]))
    assert [row["order_id"] for row in rows(found, "orders")] == ["1"]
    assert Cursor("2026-03-02T00:00:00+00:00") in found


def test_each_page_is_asked_for_by_its_token_and_the_same_window(serve: Serve) -> None:
    server = serve([page(order("1"), token="a"), page(order("2"), token="b"), page(order("3"))])
    assert len(rows(read(server), "orders")) == 3
    assert [ask.query.pop("paginationToken", None) for ask in server.asked] == [None, "a", "b"]
    assert server.asked[0].query == server.asked[1].query == server.asked[2].query


def test_a_page_token_that_repeats_for_ever_is_an_error(serve: Serve) -> None:
    with pytest.raises(SourceError, match="repeats its page token"):
        read(serve(lambda _: page(order(), token="a")))


def test_a_platform_that_throttles_by_empty_pages_is_an_error_and_not_no_sales(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_EMPTY_PAGES", 5)
    tokens = iter(range(100))
    with pytest.raises(SourceError, match="5 empty pages in a row"):
        read(serve(lambda _: page(token=str(next(tokens)))))


def test_an_absurd_number_of_pages_is_an_error(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_PAGES", 4)
    tokens = iter(range(100))
    with pytest.raises(SourceError, match="does not end after 4 pages"):
        read(serve(lambda _: page(order(), token=str(next(tokens)))))


@pytest.mark.parametrize("body", [b'{"pagination": {}}', b'{"orders": null}', b"[]", b"null", b'{"orders": 1}'])
def test_an_answer_without_a_list_of_orders_is_no_empty_page(serve: Serve, body: bytes) -> None:
    with pytest.raises(SourceError, match="a broken answer"):
        read(serve(lambda _: Reply(200, body)))


def test_a_token_that_dies_in_mid_page_is_renewed_and_the_page_repeated(serve: Serve) -> None:
    server = serve([page(order("1"), token="a"), reply({}, 403), page(order("2"))])
    assert [row["order_id"] for row in rows(read(server), "orders")] == ["1", "2"]
    assert [ask.headers["x-amz-access-token"] for ask in server.asked] == ["token-1", "token-1", "token-2"]
    assert server.asked[2].query["paginationToken"] == "a"


def test_an_app_without_the_role_is_told_so_after_one_fresh_token(serve: Serve) -> None:
    denied = reply({"errors": [{"code": "Unauthorized", "message": "Access to requested resource is denied."}]}, 403)
    server = serve(lambda _: denied)
    with pytest.raises(SourceError, match=r"HTTP 403, Unauthorized.*give the app this role"):
        read(server)
    assert len(server.asked) == 2


def test_a_revoked_refresh_token_names_its_variable_and_no_secret(serve: Serve) -> None:
    server = serve(lambda _: reply({"error": "invalid_grant"}, 400))
    made = source("amazon", server.url, marketplace="US").model_copy(update={"auth_url": f"{server.url}/auth"})
    with pytest.raises(SourceError, match=r"invalid_grant.*renew SHOP_REFRESH_TOKEN") as told:
        extract(connect(made, Naps().client("shop")), "orders")
    assert "secret" not in str(told.value)


def test_the_window_ends_more_than_two_minutes_before_the_real_now(serve: Serve) -> None:
    server = serve([page()])
    now = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
    read(server, request(now=now))
    assert datetime.fromisoformat(server.asked[0].query["lastUpdatedBefore"]) <= now - timedelta(minutes=2)


def test_the_first_read_starts_before_the_stores_first_midnight_wherever_it_is(serve: Serve) -> None:
    server = serve([page()])
    read(server, request(first_day=date(2026, 1, 10)))
    tokyo, kiritimati = "2026-01-09T15:00:00Z", "2026-01-09T10:00:00Z"
    assert server.asked[0].query["lastUpdatedAfter"] <= kiritimati < tokyo


def test_a_later_read_starts_two_days_behind_the_newest_update_seen_and_not_behind_the_clock(serve: Serve) -> None:
    server = serve([page()])
    found = read(server, request(cursor="2026-03-05T06:00:00+00:00"))
    assert server.asked[0].query["lastUpdatedAfter"] == "2026-03-03T06:00:00Z"
    assert not [e for e in found if isinstance(e, Cursor)]


def test_a_longer_look_back_may_be_configured_but_no_shorter_one(serve: Serve) -> None:
    server = serve([page(), page()])
    read(server, request(cursor="2026-03-05T06:00:00+00:00"), options={"look_back_days": 5})
    read(server, request(cursor="2026-03-05T06:00:00+00:00"), options={"look_back_days": "1"})
    assert [ask.query["lastUpdatedAfter"][:10] for ask in server.asked] == ["2026-02-28", "2026-03-03"]


def test_from_and_to_are_creation_days_and_updates_are_read_on_to_now(serve: Serve) -> None:
    server = serve([page()])
    wish = request(date_from=date(2026, 2, 1), date_to=date(2026, 2, 3), cursor="2026-03-05T06:00:00+00:00")
    read(server, wish)
    asked = server.asked[0].query
    assert asked["lastUpdatedAfter"] <= "2026-01-31T10:00:00Z"
    assert asked["lastUpdatedBefore"] >= "2026-03-20T11:00:00Z"


def test_a_window_without_orders_is_covered_day_for_day_over_the_change_of_clocks(serve: Serve) -> None:
    found = covered(read(serve([page()]), request("2026-03-11", date_from=date(2026, 3, 7))))
    assert found == [date(2026, 3, 7), date(2026, 3, 8), date(2026, 3, 9), date(2026, 3, 10)]


def test_a_read_just_after_midnight_does_not_speak_for_the_last_minutes_of_yesterday(serve: Serve) -> None:
    for minute, last in ((2, date(2026, 3, 9)), (3, date(2026, 3, 10))):
        wish = request("2026-03-11", date_from=date(2026, 3, 8), now=datetime(2026, 3, 11, 0, minute, tzinfo=UTC))
        assert max(covered(read(serve([page()]), wish))) == last


def test_a_read_from_a_cursor_leaves_no_day_between_it_and_the_read_before(serve: Serve) -> None:
    before = covered(read(serve([page()]), request("2026-03-19")))
    after = covered(read(serve([page()]), request("2026-03-20", cursor="2026-03-18T23:59:00+00:00")))
    assert min(after) <= max(before) + timedelta(days=1)


@pytest.mark.parametrize(
    "broken",
    [
        {"orderId": None}, {"orderId": ""}, {"createdTime": None}, {"lastUpdatedTime": "soon"},
        {"orderItems": [item(quantityOrdered=1.5)]}, {"orderItems": [item(number="")]},
        {"proceeds": {"grandTotal": {"amount": "ten", "currencyCode": "USD"}}},
        {"proceeds": {"grandTotal": {"amount": "123456789012345", "currencyCode": "USD"}}},
    ],
)  # fmt: skip
def test_a_broken_order_is_quarantined_and_its_neighbours_land_whole(serve: Serve, broken: dict[str, Any]) -> None:
    found = read(serve([page(order("1"), {**order("2"), **broken}, order("3"), token="a"), page(order("4"))]))
    assert [(e.file, e.line) for e in found if isinstance(e, Quarantined)] == [("orders page 1", 2)]
    assert [row["order_id"] for row in rows(found, "orders")] == ["1", "3", "4"]
    assert [row["order_id"] for row in rows(found, "order_items")] == ["1", "3", "4"]


def test_an_order_that_paging_shows_twice_lands_once_with_its_items(serve: Serve) -> None:
    found = read(serve([page(order("1"), order("2"), token="a"), page(order("2"), order("3"))]))
    assert [row["order_id"] for row in rows(found, "orders")] == ["1", "2", "3"]
    assert [row["order_id"] for row in rows(found, "order_items")] == ["1", "2", "3"]


def test_an_order_that_changes_while_it_is_paged_lands_in_both_versions(serve: Serve) -> None:
    later = order("1", updated="2026-03-02T00:05:00Z")
    found = rows(read(serve([page(order("1"), token="a"), page(later)])), "order_items")
    assert [row["order_updated_at"].minute for row in found] == [0, 5]


def test_several_discount_codes_on_an_order_are_all_taken_off(serve: Serve) -> None:
    first, second = part("DISCOUNT", "-1.00", [("ITEM", "-1.00")]), part("DISCOUNT", "-2.50", [("ITEM", "-2.50")])
    row = of_item(serve, proceeds=proceeds(part("ITEM", "20.00"), first, second))
    assert (row["item_price"], row["discount"]) == (Decimal("20.00"), Decimal("3.50"))


def test_a_divided_part_gives_each_its_share_and_an_undivided_one_is_the_items(serve: Serve) -> None:
    row = of_item(
        serve,
        proceeds=proceeds(
            part("ITEM", "20.00"), part("SHIPPING", "5.00"), part("TAX", "1.80"),
            part("DISCOUNT", "-3.00", [("ITEM", "-2.00"), ("SHIPPING", "-1.00")]),
        ),
    )  # fmt: skip
    assert (row["item_tax"], row["discount"], row["shipping_price"], row["shipping_discount"]) == (
        Decimal("1.80"), Decimal("2.00"), Decimal("5.00"), Decimal("1.00"),
    )  # fmt: skip


def test_an_item_without_proceeds_has_unknown_amounts_and_not_zero(serve: Serve) -> None:
    row = of_item(serve)
    assert [row[name] for name in ("unit_price", "item_price", "item_tax", "discount", "currency")] == [None] * 5


def test_yen_have_no_decimals_and_are_not_divided(serve: Serve) -> None:
    price = {"unitPrice": money("1980", "JPY")}
    row = of_item(serve, product={"sellerSku": "A", "asin": "B", "price": price})
    assert (row["unit_price"], row["currency"]) == (Decimal(1980), "JPY")


def test_an_item_id_beyond_2_to_the_53_stays_as_it_is(serve: Serve) -> None:
    assert of_item(serve, number="90071992547409931")["order_item_id"] == "90071992547409931"


def test_a_cancelled_item_and_a_replacement_are_known_as_such(serve: Serve) -> None:
    other = {"orderId": "9", "associationType": "REPLACEMENT_ORIGINAL_ID"}
    struck = item(cancellation={"cancellationExecution": {"cancelReason": "NO_INVENTORY"}})
    asked = item("12", cancellation={"cancellationRequest": {"requester": "BUYER"}})
    found = read(serve([page(order(associatedOrders=[other], orderItems=[struck, asked]), order("2"))]))
    assert [row["replaced_order_id"] for row in rows(found, "orders")] == ["9", None]
    assert [row["is_replacement"] for row in rows(found, "orders")] == [True, False]
    assert [row["is_cancelled"] for row in rows(found, "order_items")] == [True, False, False]


def test_a_field_that_the_official_model_lacks_is_reported_once_and_the_order_lands(serve: Serve) -> None:
    new = order(ecoFee=money("1"), orderItems=[item(warranty={"years": 2})], programs=["PRIME"])
    found = read(serve([page(new, token="a"), page({**new, "orderId": "2"})]))
    assert len(rows(found, "orders")) == 2
    drift = [(e.table, e.column) for e in found if isinstance(e, Drift)]
    assert sorted(drift) == [("orders", "ecoFee"), ("orders", "orderItems.warranty")]


def test_a_new_kind_of_proceeds_is_reported(serve: Serve) -> None:
    found = read(serve([page(order(orderItems=[item(proceeds=proceeds(part("ECO", "1.00")))]))]))
    assert [e.column for e in found if isinstance(e, Drift)] == ["orderItems.proceeds.breakdowns[ECO]"]


def test_unknown_fields_that_contradict_each_other_cost_no_order(serve: Serve) -> None:
    found = read(serve([page(order("1", odd=1), token="a"), page(order("2", odd="x"), order("3", odd={"a": 1}))]))
    assert [row["order_id"] for row in rows(found, "orders")] == ["1", "2", "3"]
    assert not [e for e in found if isinstance(e, Quarantined)]


def test_no_buyers_data_is_asked_for_or_landed(serve: Serve) -> None:
    def platform(ask: Ask) -> Reply:
        assert not {"BUYER", "RECIPIENT"} & set(ask.query["includedData"].split(","))
        return page(order(buyer={"buyerName": "Ada"}, recipient={"deliveryAddress": {"name": "Ada"}}))

    found = read(serve(platform))
    assert "Ada" not in json.dumps(rows(found, "orders") + rows(found, "order_items"), default=str)
    assert not [e for e in found if isinstance(e, Drift)]
