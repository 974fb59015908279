"""Mabang's gateway: one POST address, the operation in the body, signed over the exact bytes of the body.

The form of request and signature is public (HMAC-SHA256 hex of the body with the app's token, in `Authorization`).
Amounts are CNY, times Beijing time.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.catalogue import CHANGED_SKU, PRODUCTS, Product, cost_change_day, purchase_fen
from sandbox.platforms.state import State
from sandbox.platforms.wire import Answer, Ask, amount_text, reply

APP_KEY = "200001"
TOKEN = "sandbox-mabang-token"
BEIJING = ZoneInfo("Asia/Shanghai")
PAGE = 5


def route(state: State, ask: Ask) -> Answer:
    """`stock-do-search-sku-list-new` (products, by cursor) and `stock-get-stock-quantity` (stock, by page)."""
    signature = hmac.new(TOKEN.encode(), ask.body, hashlib.sha256).hexdigest()
    wish = ask.json()
    if not hmac.compare_digest(signature, ask.headers.get("authorization", "").lower()):
        return reply({"code": "401", "message": "签名错误", "data": None})
    if str(wish.get("appkey")) != APP_KEY:
        return reply({"code": "401", "message": "appkey 不存在", "data": None})
    data = wish.get("data") or {}
    size = min(int(data.get("maxRows") or data.get("rowsPerPage") or PAGE), PAGE)
    today = datetime.fromtimestamp(state.now, BEIJING).date()
    if wish.get("api") == "stock-do-search-sku-list-new":
        start = int(data.get("cursor") or 1) - 1
        page = [_product(p, today, state) for p in PRODUCTS[start : start + size]]
        more = start + size < len(PRODUCTS)
        return _answer(
            {
                "data": page,
                "hasNext": more,
                "nextCursor": str(start + size + 1) if more else "",
                "dataCount": len(PRODUCTS),
            }
        )
    if wish.get("api") == "stock-get-stock-quantity":
        if not data.get("stockSkus") and not data.get("updateTime"):
            return reply({"code": "400", "message": "stockSkus 和 updateTime 不能同时为空", "data": None})
        skus = str(data.get("stockSkus") or "").split(",")
        wanted = [_stock(i, p, state) for i, p in enumerate(PRODUCTS) if skus == [""] or p.sku in skus]
        number = int(data.get("page") or 1)
        start = (number - 1) * size
        page = wanted[start : start + size]
        return _answer({"data": page, "page": number, "pageCount": -(-len(wanted) // size), "total": len(wanted)})
    return reply({"code": "404", "message": f"没有接口 {wish.get('api')}", "data": None})


def _answer(data: dict[str, Any]) -> Answer:
    return reply({"code": "200", "message": "success", "data": data})


def _product(product: Product, today: date, state: State) -> dict[str, Any]:
    changed = product.sku == CHANGED_SKU and today >= cost_change_day(state.world.story_day)
    since = cost_change_day(state.world.story_day) if changed else state.world.start
    return {
        "stockSku": product.sku,
        "nameCN": product.name,
        "nameEN": product.name,
        "parentCategoryName": "户外",
        "categoryName": product.category,
        "status": "3",
        "defaultCost": amount_text(purchase_fen(product, today, state.world.story_day), 100),
        "purchasePrice": amount_text(purchase_fen(product, today, state.world.story_day), 100),
        "firstLegCost": amount_text(product.first_leg_fen, 100),
        "currency": "CNY",
        "currencyRate": "1.0000",
        "timeCreated": f"{state.world.start} 00:00:00",
        "timeModified": f"{since} 00:00:00",
    }


def _stock(index: int, product: Product, state: State) -> dict[str, Any]:
    on_hand = 300 + 17 * index
    moment = datetime.fromtimestamp(state.now, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "stockSku": product.sku,
        "updateTime": moment,
        "warehouse": [
            {
                "warehouseId": "1001",
                "warehouseName": "深圳仓",
                "stockQuantity": on_hand,
                "availableStockQuantity": on_hand - index,
                "waitingQuantity": index,
                "shippingQuantity": 20 * (index % 3),
            }
        ],
    }
