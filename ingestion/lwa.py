"""Login with Amazon: access tokens of one hour out of a refresh token, shared by SP-API and Amazon Ads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ingestion.company import Source
from ingestion.connector import SourceError
from ingestion.http import Client, RefusedError

AUTH_URL = "https://api.amazon.com/auth/o2/token"


class Account:
    """Authenticated calls of one source; a token that dies in mid-page or mid-poll is renewed once."""

    def __init__(self, source: Source, headers: Callable[[str], Mapping[str, str]], client: Client | None = None):
        self.http = client or Client(source.id)
        self._source, self._headers = source, headers
        self._form = {
            "grant_type": "refresh_token",
            "client_id": source.secret("CLIENT_ID"),
            "client_secret": source.secret("CLIENT_SECRET"),
            "refresh_token": source.secret("REFRESH_TOKEN"),
        }
        self._token = ""

    def json(self, method: str, url: str, **kwargs: Any) -> Any:
        """The parsed answer. Raises RefusedError, and SourceError naming the variable when Amazon refuses the token."""
        if not self._token:
            self._refresh()
        extra = dict(kwargs.pop("headers", {}))
        try:
            return self.http.json(method, url, headers={**self._headers(self._token), **extra}, **kwargs)
        except RefusedError as refused:
            if refused.status not in (401, 403):
                raise
        self._refresh()
        return self.http.json(method, url, headers={**self._headers(self._token), **extra}, **kwargs)

    def _refresh(self) -> None:
        try:
            answer = self.http.json("POST", self._source.auth_url or AUTH_URL, data=self._form)
        except RefusedError as refused:
            code = refused.body.get("error") if isinstance(refused.body, dict) else None
            prefix = self._source.credentials or self._source.id.upper()
            if code == "invalid_grant":
                what, name = "the refresh token", "REFRESH_TOKEN"
            else:
                what, name = "the client", "CLIENT_ID and _CLIENT_SECRET"
            raise SourceError(
                f"{self._source.id}: Amazon refused {what} ({code or refused.status}); renew {prefix}_{name}"
            ) from None
        self._token = str(answer["access_token"])
