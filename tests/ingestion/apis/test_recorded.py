"""Contract: the payloads that Amazon recorded in its own models go through the real connectors and land."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.company import load_company
from ingestion.connector import Drift, Quarantined
from ingestion.landing import LandOptions, land
from ingestion.landing.lake import read_table
from ingestion.platforms.amazon import connect
from ingestion.platforms.amazon.order_pages import _ORDER, LEFT_OUT, PART_TYPES
from ingestion.platforms.amazon.transactions import KNOWN, KNOWN_ITEM
from tests.ingestion.loopback import Ask, Naps, Reply, Serve, extract, reply, request, rows, source

pytestmark = pytest.mark.shared_data


@pytest.fixture
def models(shared: Path) -> Path:
    """Amazon's official models."""
    return shared / "specs" / "amazon_sp_api"


def model(models: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((models / f"{name}.json").read_text("utf-8"), parse_float=Decimal)
    return found


def recorded(node: Any, key: str) -> Iterator[Any]:
    """Every recorded value of this name, wherever a response stands."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in ("x-amzn-api-sandbox", "examples"):
                yield from _named(value, key)
            else:
                yield from recorded(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from recorded(value, key)


def _named(node: Any, key: str) -> Iterator[Any]:
    if isinstance(node, dict):
        if key in node:
            yield node[key]
        for value in node.values():
            yield from _named(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from _named(value, key)


def all_orders(models: Path) -> list[dict[str, Any]]:
    document = model(models, "orders_2026-01-01")
    lists = [order for orders in recorded(document, "orders") for order in orders]
    found = [*lists, *recorded(document, "order")]
    return list({(o["orderId"], o["lastUpdatedTime"]): o for o in found if isinstance(o, dict)}.values())


def test_every_recorded_order_lands_in_the_lake_with_its_items_and_amounts(
    models: Path, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = all_orders(models)
    assert len(orders) >= 6

    def platform(ask: Ask) -> Reply:
        at = int(ask.query.get("paginationToken", "0"))
        following = {"pagination": {"nextToken": str(at + 1)}} if at + 1 < len(orders) else {}
        return reply({"orders": [orders[at]], **following})

    server = serve(platform)
    for name in ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN"):
        monkeypatch.setenv(f"SHOP_{name}", "x")
    (tmp_path / "company.yml").write_text(
        "name: T\nreporting_currency: USD\nstores:\n"
        "  - {id: us, platform: amazon, region: US, currency: USD, timezone: UTC, opened_on: 2026-01-01}\nsources:\n"
        f"  - {{id: shop, system: amazon, store: us, marketplace: US, credentials: SHOP, base_url: '{server.url}', "
        f"auth_url: '{server.url}/token'}}\n"
    )
    company = load_company(tmp_path)
    options = LandOptions("run", None, None, date(2026, 3, 20), datetime.now(UTC), {"orders"})
    result = land(company, company.sources[0], options)
    assert (result.error, result.rows_quarantined) == (None, 0)
    assert [w for r in result.resources for w in r.warnings] == []
    lake = {name: read_table(company.lake, "amazon", "shop", name) for name in ("orders", "order_items")}
    assert lake["orders"] is not None
    assert lake["order_items"] is not None
    assert sorted(lake["orders"]["order_id"].to_pylist()) == sorted(o["orderId"] for o in orders)
    wanted = {
        (o["orderId"], str(i["orderItemId"])): [
            sum((Decimal(p["subtotal"]["amount"]) for p in (i.get("proceeds") or {}).get("breakdowns") or []
                 if p["type"] == "ITEM"), Decimal(0)) or None, i["quantityOrdered"],
        ]
        for o in orders for i in o["orderItems"]
    }  # fmt: skip
    found = {
        (i["order_id"], i["order_item_id"]): [i["item_price"], i["quantity_ordered"]]
        for i in lake["order_items"].to_pylist()
    }
    assert found == wanted


def test_every_recorded_transaction_lands_though_amazon_gave_it_no_id(models: Path, serve: Serve) -> None:
    found = [t for ts in recorded(model(models, "finances_2024-06-19"), "transactions") for t in ts]
    assert found
    body = json.dumps({"payload": {"transactions": found}}, default=float).encode()
    server = serve([Reply(200, body)])
    events = extract(connect(source("amazon", server.url, marketplace="US"), Naps().client("shop")), "transactions")
    assert not [e for e in events if isinstance(e, (Quarantined, Drift))]
    landed = rows(events, "transactions")
    assert [r["amount"] for r in landed] == [Decimal(10)]
    assert [(r["order_id"], r["currency"]) for r in landed] == [("8129762527551", "USD")]


def test_the_recorded_answers_of_the_reports_api_are_understood(models: Path, serve: Serve) -> None:
    document = model(models, "reports_2021-06-30")
    create = next(c for c in recorded(document, "response") if isinstance(c, dict) and set(c) == {"reportId"})
    running = next(c for c in recorded(document, "response") if isinstance(c, dict) and "processingStatus" in c)
    shown = next(c for c in recorded(document, "response") if isinstance(c, dict) and "url" in c)
    listed = next(c for c in recorded(document, "response") if isinstance(c, dict) and "reports" in c)
    polls = iter([running, {**running, "processingStatus": "DONE", "reportDocumentId": shown["reportDocumentId"]}])
    header = "sku\tafn-fulfillable-quantity\tafn-warehouse-quantity\n"

    def platform(ask: Ask) -> Reply:
        if ask.path.endswith("/reports"):
            return reply(create, 202) if ask.method == "POST" else reply({**listed, "reports": []})
        if "/documents/" in ask.path:
            assert ask.path.endswith(shown["reportDocumentId"])
            return reply({**shown, "url": f"{server.url}/file"})
        return Reply(200, f"{header}A\t5\t6\n".encode()) if ask.path == "/file" else reply(next(polls))

    server = serve(platform)
    events = extract(connect(source("amazon", server.url, marketplace="US"), Naps().client("shop")), "fba_inventory")
    assert [(r["sku"], r["fulfillable_units"], r["report_id"]) for r in rows(events, "fba_inventory")] == [
        ("A", 5, create["reportId"])
    ]


def test_a_refusal_recorded_by_amazon_names_its_code(models: Path, serve: Serve) -> None:
    refusal = next(c for c in recorded(model(models, "orders_2026-01-01"), "response") if "errors" in c)
    server = serve(lambda _: reply(refusal, 400))
    with pytest.raises(Exception, match=rf"HTTP 400, {refusal['errors'][0]['code']}"):
        extract(connect(source("amazon", server.url, marketplace="US"), Naps().client("shop")), "orders", request())


def test_every_field_of_the_official_order_is_landed_or_left_out_on_purpose(models: Path) -> None:
    """So that a field reported as unknown is one that Amazon added since."""
    definitions = model(models, "orders_2026-01-01")["definitions"]
    known = set(_paths(_ORDER, ""))

    def walk(shape: dict[str, Any], path: str) -> Iterator[str]:
        shape = definitions[shape["$ref"].rsplit("/", 1)[1]] if "$ref" in shape else shape
        if shape.get("type") == "array":
            yield from walk(shape["items"], path)
        for name, inner in shape.get("properties", {}).items():
            place = f"{path}.{name}" if path else name
            if place in known:
                yield from walk(inner, place)
            else:
                yield place

    assert set(walk(definitions["Order"], "")) == LEFT_OUT
    kinds = definitions["ItemProceedsBreakdown"]["properties"]["type"]["description"]
    assert all(f"`{kind}`" in kinds for kind in PART_TYPES)


def test_every_field_of_the_official_transaction_is_known(models: Path) -> None:
    definitions = model(models, "finances_2024-06-19")["definitions"]
    assert set(definitions["Transaction"]["properties"]) == KNOWN
    assert set(definitions["Item"]["properties"]) == KNOWN_ITEM


def _paths(kind: Any, path: str) -> Iterator[str]:
    if hasattr(kind, "value_type"):
        yield from _paths(kind.value_type, path)
    elif hasattr(kind, "num_fields") and kind.num_fields:
        for field in kind:
            place = f"{path}.{field.name}" if path else field.name
            yield place
            yield from _paths(field.type, place)
