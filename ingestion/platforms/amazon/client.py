"""SP-API calls of one selling account: address by region, paging that ends only where Amazon says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from ingestion.company import Source
from ingestion.connector import SourceError
from ingestion.http import Client
from ingestion.lwa import Account

MARKETPLACES = {
    "US": ("ATVPDKIKX0DER", "na"), "CA": ("A2EUQ1WTGCTBG2", "na"), "MX": ("A1AM78C64UM0Y8", "na"),
    "BR": ("A2Q3Y263D00KWC", "na"), "UK": ("A1F83G8C2ARO7P", "eu"), "DE": ("A1PA6795UKMFR9", "eu"),
    "FR": ("A13V1IB3VIYZZH", "eu"), "IT": ("APJ6JRA9NG5V4", "eu"), "ES": ("A1RKKUPIHCS9HS", "eu"),
    "NL": ("A1805IZSGTT6HS", "eu"), "JP": ("A1VC38T7YXB528", "fe"), "AU": ("A39IBJ37TRP1C6", "fe"),
    "SG": ("A19VAU5U5O7RUS", "fe"), "SE": ("A2NODRKZP88ZB9", "eu"), "PL": ("A1C3SOZRARQ6R3", "eu"),
    "BE": ("AMEN7PMS3EDWL", "eu"), "IE": ("A28R8C7NBKEWEA", "eu"), "TR": ("A33AVAJ2PDY3EV", "eu"),
    "AE": ("A2VIGQ35RCS4UG", "eu"), "SA": ("A17E79C6D8DWNP", "eu"), "EG": ("ARBP9OOSHTCHU", "eu"),
    "ZA": ("AE08WJ6YKNBMC", "eu"), "IN": ("A21TJRUUN4KGV", "eu"),
}  # fmt: skip
MAX_PAGES, MAX_EMPTY_PAGES = 20_000, 500
T = TypeVar("T")


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
        self, path: str, params: dict[str, str], sent_as: str, read: Callable[[bytes], tuple[T, int, str | None]]
    ) -> Iterator[T]:
        """Pages until there is no token; `read` gives a page, the number of its entries and the next token.

        An empty page is not the end. Raises SourceError where the pages cannot come to one: a token that repeats,
        fresh tokens without entries, an absurd count.
        """
        seen: set[str] = set()
        asked, empty = params, 0
        for _ in range(MAX_PAGES):
            page, entries, token = self.account.read("GET", self._root + path, read, params=asked)
            yield page
            if not token:
                return
            empty = 0 if entries else empty + 1
            if token in seen:
                raise SourceError(f"{self.source.id}: {path} repeats its page token; nothing was landed")
            if empty >= MAX_EMPTY_PAGES:
                raise SourceError(f"{self.source.id}: {path} gave {empty} empty pages in a row; nothing was landed")
            seen.add(token)
            asked = {**params, sent_as: token}
        raise SourceError(f"{self.source.id}: {path} does not end after {MAX_PAGES} pages; nothing was landed")
