"""Mabang over real sockets: signature, paging that cannot lose a page, costs and stock."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingestion.connector import Drift, Event, Quarantined, SourceError
from ingestion.erp.mabang import connect
from tests.ingestion.loopback import Ask, Loopback, Naps, Reply, Serve, covered, extract, reply, rows, source


def product(sku: Any = "A", **more: Any) -> dict[str, Any]:
    return {"stockSku": sku, "nameCN": "灯", "defaultCost": "12.50", "timeCreated": "2026-01-01 00:00:00", **more}


def stocked(sku: str, **more: Any) -> dict[str, Any]:
    place = {"warehouseId": 1001, "warehouseName": "深圳仓", "stockQuantity": "7", "availableStockQuantity": 5}
    return {"stockSku": sku, "updateTime": "2026-03-20 07:30:00", "warehouse": [place], **more}


def data(**found: Any) -> Reply:
    return reply({"code": "200", "message": "success", "data": found})


def gateway(
    products: list[dict[str, Any]], stock: Callable[[dict[str, Any]], Reply] | None = None
) -> Callable[[Ask], Reply]:
    """Products on one page; stock as told."""

    def answer(ask: Ask) -> Reply:
        wish = json.loads(ask.body)
        if wish["api"] == "stock-do-search-sku-list-new":
            return data(data=products, hasNext=False, dataCount=len(products))
        assert stock is not None
        return stock(wish["data"])

    return answer


def read(server: Loopback, name: str = "products", **options: Any) -> list[Event]:
    return extract(connect(source("mabang", server.url, options=options), Naps().client("shop")), name)


def test_the_signature_is_over_the_exact_bytes_of_the_body(serve: Serve) -> None:
    server = serve([data(data=[product()], hasNext=False)])
    read(server)
    ask = server.asked[0]
    signed = hmac.new(b"secret-TOKEN", ask.body, hashlib.sha256).hexdigest()
    assert ask.headers["authorization"] == signed
    assert json.loads(ask.body)["appkey"] == "secret-APP_KEY"


def test_products_are_read_by_cursor_to_the_gateways_own_end(serve: Serve) -> None:
    server = serve([
        data(data=[product("A")], hasNext=True, nextCursor="2"), data(data=[], hasNext=True, nextCursor="3"),
        data(data=[product("B")], hasNext=False, nextCursor="3", dataCount=2),
    ])  # fmt: skip
    found = read(server)
    assert [r["sku"] for r in rows(found, "products")] == ["A", "B"]
    assert [json.loads(a.body)["data"].get("cursor") for a in server.asked] == [None, "2", "3"]
    assert covered(found) == [date(2026, 3, 20)]


@pytest.mark.parametrize("cursor", ["2", None, ""])
def test_a_cursor_that_repeats_or_is_null_while_more_is_said_to_come_is_an_error(
    serve: Serve, cursor: str | None
) -> None:
    with pytest.raises(SourceError, match="repeats a page cursor"):
        read(serve(lambda _: data(data=[product()], hasNext=True, nextCursor=cursor)))


def test_an_answer_without_data_is_asked_for_again_and_never_an_empty_page(serve: Serve) -> None:
    nothing = reply({"code": "200", "message": "网关繁忙", "data": None})
    assert len(rows(read(serve([nothing, nothing, data(data=[product()], hasNext=False)])), "products")) == 1
    with pytest.raises(SourceError, match="a broken answer"):
        read(serve(lambda _: nothing))


def test_products_that_do_not_add_up_to_the_told_count_are_an_error(serve: Serve) -> None:
    with pytest.raises(SourceError, match="gave 1 of 2 rows"):
        read(serve([data(data=[product()], hasNext=False, dataCount=2)]))


def test_a_refusal_names_both_variables_and_mabangs_code(serve: Serve) -> None:
    with pytest.raises(SourceError, match=r"\(code 401\); check SHOP_APP_KEY and SHOP_TOKEN"):
        read(serve([reply({"code": "401", "message": "签名错误", "data": None})]))


def test_stock_is_asked_for_by_sku_a_hundred_at_a_time(serve: Serve) -> None:
    names = [f"S{n}" for n in range(250)]

    def stock(wish: dict[str, Any]) -> Reply:
        skus = wish["stockSkus"].split(",")
        return data(data=[stocked(sku) for sku in skus], page=1, pageCount=1, total=len(skus))

    server = serve(gateway([product(n) for n in names], stock))
    found = read(server, "stock")
    assert [r["sku"] for r in rows(found, "stock")] == names
    assert len(server.asked) == 4
    assert covered(found) == [date(2026, 3, 20)]


def test_a_throttle_by_an_empty_page_does_not_lose_that_pages_stock(serve: Serve) -> None:
    def stock(wish: dict[str, Any]) -> Reply:
        return data(data=[] if wish["page"] == 2 else [stocked(f"S{wish['page']}")], page=wish["page"], pageCount=3)

    with pytest.raises(SourceError, match="page 2 of 3 without rows"):
        read(serve(gateway([product()], stock)), "stock")


def test_stock_pages_that_do_not_add_up_are_an_error(serve: Serve) -> None:
    with pytest.raises(SourceError, match="gave 1 of 3 rows"):
        read(serve(gateway([product()], lambda _: data(data=[stocked("A")], page=1, pageCount=1, total=3))), "stock")


def test_times_are_beijings_or_the_configured_zones(serve: Serve) -> None:
    platform = gateway([product()], lambda _: data(data=[stocked("A")], page=1, pageCount=1))
    found = rows(read(serve(platform), "stock"), "stock")[0]
    assert found["snapshot_at"] == datetime(2026, 3, 19, 23, 30, tzinfo=UTC)
    assert (found["warehouse_id"], found["on_hand_units"], found["sellable_units"], found["inbound_units"]) == (
        "1001", 7, 5, None)  # fmt: skip
    assert rows(read(serve(platform), "stock", timezone="UTC"), "stock")[0]["snapshot_at"].hour == 7


@pytest.mark.parametrize(
    ("price", "cost"),
    [
        ({"purchasePrice": "13"}, "13"), ({"purchasePrice": "0.00"}, "12.5"), ({"purchasePrice": 0}, "12.5"),
        ({}, "12.5"), ({"defaultCost": "", "purchasePrice": ""}, None),
    ],
)  # fmt: skip
def test_an_unfilled_purchase_price_is_no_cost_of_zero(serve: Serve, price: dict[str, Any], cost: str | None) -> None:
    found = rows(read(serve([data(data=[product(**price)], hasNext=False)])), "products")[0]
    assert found["purchase_cost"] == (Decimal(cost) if cost else None)
    assert found["first_leg_cost"] is None


def test_a_zero_date_costs_no_product(serve: Serve) -> None:
    entries = [product(timeModified="0000-00-00 00:00:00"), product("B", timeCreated="0000-00-00 00:00:00")]
    found = rows(read(serve([data(data=entries, hasNext=False)])), "products")
    assert [r["updated_at"] and r["updated_at"].year for r in found] == [2025, None]


def test_numeric_skus_beyond_2_to_the_53_stay_as_they_are(serve: Serve) -> None:
    found = rows(read(serve([data(data=[product(90071992547409931)], hasNext=False)])), "products")
    assert found[0]["sku"] == "90071992547409931"


@pytest.mark.parametrize("broken", [product(None), product(""), product(defaultCost="dear"), product(nameCN=["x"])])
def test_a_broken_product_is_quarantined_and_the_others_land(serve: Serve, broken: dict[str, Any]) -> None:
    found = read(serve([data(data=[product("A"), broken, product("C")], hasNext=False)]))
    assert [e.line for e in found if isinstance(e, Quarantined)] == [2]
    assert [r["sku"] for r in rows(found, "products")] == ["A", "C"]


def test_a_stock_entry_without_its_warehouses_is_quarantined_and_not_skipped(serve: Serve) -> None:
    entries = [{k: v for k, v in stocked("A").items() if k != "warehouse"}, stocked("B")]
    found = read(serve(gateway([product()], lambda _: data(data=entries))), "stock")
    assert [e.line for e in found if isinstance(e, Quarantined)] == [1]


def test_unknown_fields_are_reported_once_at_any_depth(serve: Serve) -> None:
    entry = stocked("A", colour="red")
    entry["warehouse"][0]["shelf"] = "B2"
    found = read(serve(gateway([product()], lambda _: data(data=[entry, entry]))), "stock")
    assert [e.column for e in found if isinstance(e, Drift)] == ["colour", "warehouse.shelf"]


def test_the_configured_currency_holds_where_a_product_names_none(serve: Serve) -> None:
    found = read(serve([data(data=[product(), product("B", currency="USD")], hasNext=False)]), currency="HKD")
    assert [r["currency"] for r in rows(found, "products")] == ["HKD", "USD"]


def test_an_option_that_is_none_is_named(serve: Serve) -> None:
    server = serve(lambda _: data())
    with pytest.raises(SourceError, match="shop: page_size must be a positive number"):
        connect(source("mabang", server.url, options={"page_size": "many"}))
    with pytest.raises(SourceError, match="shop: timezone is not a time zone"):
        connect(source("mabang", server.url, options={"timezone": "Mars"}))
