"""Mabang's signed gateway: one POST address, the operation in the body, pages by cursor or number."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from ingestion.company import Source
from ingestion.connector import SourceError
from ingestion.http import Client, parse
from ingestion.values import setting

BASE_URL = "https://gwapi.mabangerp.com/api/v2"
PRODUCTS, STOCK = "stock-do-search-sku-list-new", "stock-get-stock-quantity"
PAGE, MAX_PAGES, SKUS_A_CALL = 100, 10_000, 100


class Gateway:
    """The account of one source; `Authorization` is HMAC-SHA256 (hex) of the exact body bytes by the app's token."""

    def __init__(self, source: Source, client: Client | None = None) -> None:
        self.source = source
        self._http = client or Client(source.id)
        self._url = source.base_url or BASE_URL
        self._key, self._token = source.secret("APP_KEY"), source.secret("TOKEN")
        self._size = int(setting(source, "page_size", PAGE))

    def call(self, api: str, data: dict[str, Any]) -> dict[str, Any]:
        """`data` of the answer.

        An answer without data is a fault of the gateway, and asked for again: it is never taken for an empty page.

        Raises SourceError when Mabang refuses, in its own code.
        """
        wish = {"api": api, "appkey": self._key, "data": data, "timestamp": int(datetime.now(UTC).timestamp())}
        body = json.dumps(wish, ensure_ascii=False, separators=(",", ":")).encode()
        signature = hmac.new(self._token.encode(), body, hashlib.sha256).hexdigest()
        headers = {"Authorization": signature, "Content-Type": "application/json"}
        code, found = self._http.read("POST", self._url, _answer, headers=headers, data=body)
        if code != "200":
            prefix = self.source.credentials or self.source.id.upper()
            raise SourceError(
                f"{self.source.id}: Mabang refused {api} (code {code}); check {prefix}_APP_KEY and {prefix}_TOKEN"
            )
        return found

    def products(self) -> Iterator[dict[str, Any]]:
        """All products, by cursor. Raises SourceError where the pages repeat, do not end, or do not add up."""
        cursor, seen, got = "", {""}, 0
        for _ in range(MAX_PAGES):
            page = self.call(PRODUCTS, {"maxRows": self._size, **({"cursor": cursor} if cursor else {})})
            entries = page.get("data") or []
            yield from entries
            got += len(entries)
            cursor = str(page.get("nextCursor") or "")
            if not page.get("hasNext"):
                self._add_up(PRODUCTS, got, page.get("dataCount"))
                return
            if cursor in seen:
                raise SourceError(f"{self.source.id}: Mabang repeats a page cursor; nothing was landed")
            seen.add(cursor)
        raise SourceError(f"{self.source.id}: Mabang's products do not end after {MAX_PAGES} pages")

    def stock(self, skus: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Stock of these SKUs: the gateway tells it only by SKU, 100 a call, or by the day of a change."""
        for start in range(0, len(skus), SKUS_A_CALL):
            batch = ",".join(skus[start : start + SKUS_A_CALL])
            yield from self._numbered({"stockSkus": batch, "rowsPerPage": self._size})

    def _numbered(self, wish: dict[str, Any]) -> Iterator[dict[str, Any]]:
        got = 0
        for number in range(1, MAX_PAGES + 1):
            page = self.call(STOCK, {**wish, "page": number})
            entries, last = page.get("data") or [], int(page.get("pageCount") or 1)
            if not entries and number < last:
                raise SourceError(
                    f"{self.source.id}: Mabang answered page {number} of {last} without rows; the next run asks again"
                )
            yield from entries
            got += len(entries)
            if number >= last:
                self._add_up(STOCK, got, page.get("total"))
                return
        raise SourceError(f"{self.source.id}: Mabang's stock does not end after {MAX_PAGES} pages")

    def _add_up(self, api: str, got: int, told: Any) -> None:
        if told is not None and got < int(told):
            raise SourceError(
                f"{self.source.id}: Mabang gave {got} of {told} rows of {api}; nothing was landed, the next run asks "
                "again"
            )


def _answer(body: bytes) -> tuple[str, dict[str, Any]]:
    answer = parse(body)
    if not isinstance(answer, dict):
        raise ValueError("no answer")
    code, data = str(answer.get("code")), answer.get("data")
    if code == "200" and not isinstance(data, dict):
        raise ValueError("no data")
    return code, data if isinstance(data, dict) else {}
