"""SP-API calls of one selling account: address by region, paging that ends only where Amazon says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from ingestion.company import Source
from ingestion.connector import SourceError
from ingestion.http import Client
from ingestion.lwa import Account

MARKETPLACES = {
    "US": ("ATVPDKIKX0DER", "na"), "CA": ("A2EUQ1WTGCTBG2", "na"), "MX": ("A1AM78C64UM0Y8", "na"),
    "BR": ("A2Q3Y263D00KWC", "na"), "UK": ("A1F83G8C2ARO7P", "eu"), "DE": ("A1PA6795UKMFR9", "eu"),
    "FR": ("A13V1IB3VIYZZH", "eu"), "IT": ("APJ6JRA9NG5V4", "eu"), "ES": ("A1RKKUPIHCS9HS", "eu"),
    "NL": ("A1805IZSGTT6HS", "eu"), "JP": ("A1VC38T7YXB528", "fe"), "AU": ("A39IBJ37TRP1C6", "fe"),
    "SG": ("A19VAU5U5O7RUS", "fe"),
}  # fmt: skip
MAX_PAGES = 100_000


class SellingPartner:
    """The account of one configured source."""

    def __init__(self, source: Source, client: Client | None = None) -> None:
        place = str(source.marketplace or "")
        if place not in MARKETPLACES:
            raise SourceError(f"{source.id}: marketplace must be one of {', '.join(MARKETPLACES)}")
        self.source, self.place = source, place
        self.marketplace_id, region = MARKETPLACES[place]
        self._root = (source.base_url or f"https://sellingpartnerapi-{region}.amazon.com").rstrip("/")
        self.account = Account(source, lambda token: {"x-amz-access-token": token}, client)

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """GET of an API path."""
        return self.account.json("GET", self._root + path, params=params)

    def post(self, path: str, body: bytes) -> Any:
        """POST of a JSON body."""
        headers = {"Content-Type": "application/json"}
        return self.account.json("POST", self._root + path, data=body, headers=headers)

    def pages(
        self, path: str, params: dict[str, str], sent_as: str, token_of: Callable[[Any], str | None]
    ) -> Iterator[Any]:
        """Pages until there is no token: an empty page is not the end, a token that repeats is an error."""
        seen: set[str] = set()
        asked = params
        for _ in range(MAX_PAGES):
            page = self.get(path, asked)
            yield page
            token = token_of(page)
            if not token:
                return
            if token in seen:
                break
            seen.add(token)
            asked = {**params, sent_as: token}
        raise SourceError(f"{self.source.id}: {path} repeats its page token; nothing was landed")


def money(value: Any) -> Decimal | None:
    """An amount as an exact decimal with nine places; None stays None. Raises on what is no number."""
    return None if value is None else Decimal(str(value)).quantize(Decimal("1e-9"))
