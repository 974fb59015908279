"""Login with Amazon: access tokens of one hour out of a refresh token, shared by SP-API and Amazon Ads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ingestion.company import Source
from ingestion.connector import SourceError
from ingestion.http import Client, RefusedError, parse

AUTH_URL = "https://api.amazon.com/auth/o2/token"
DENIED = (401, 403)
T = TypeVar("T")


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
        """`read` as JSON with exact decimals."""
        return self.read(method, url, parse, **kwargs)

    def read(self, method: str, url: str, read: Callable[[bytes], T], **kwargs: Any) -> T:
        """The answer's body through `read`.

        Raises RefusedError, and SourceError naming the way out when Amazon refuses the token or this use of it.
        """
        if not self._token:
            self._refresh()
        extra = dict(kwargs.pop("headers", {}))
        for renewed in (False, True):
            try:
                headers = {**self._headers(self._token), **extra}
                return self.http.read(method, url, read, headers=headers, **kwargs)
            except RefusedError as refused:
                if refused.status not in DENIED:
                    raise
                if renewed:
                    raise SourceError(
                        f"{refused} with a fresh token: give the app this role and authorize it again for the account"
                    ) from None
            self._refresh()
        raise AssertionError("unreachable")

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
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not token:
            raise SourceError(f"{self._source.id}: the token endpoint answered without a token; check auth_url")
        self._token = str(token)
