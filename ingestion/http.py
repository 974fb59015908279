"""The HTTP client that every API connector shares: timeouts, retries, throttling, exact numbers, quiet errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import requests
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from ingestion.connector import SourceError

TIMEOUT = (10, 120)
ATTEMPTS = 6
BURST = 20
MAX_WAIT = 300.0


class _Again(Exception):
    """An answer worth asking for again."""


class RefusedError(SourceError):
    """An HTTP answer of 4xx; `status` and parsed `body` let a connector tell a known refusal from a failure."""

    def __init__(self, message: str, status: int, body: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


@dataclass
class _Bucket:
    tokens: float = BURST
    at: float = 0.0
    rate: float = 0.0


@dataclass
class Client:
    """One source's HTTP client; `clock` and `sleep` are injectable, so that tests never wait."""

    name: str
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    session: requests.Session = field(default_factory=requests.Session)
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        data: bytes | Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer, 5xx and lost connections retried, 429 waited out by Retry-After or the announced rate.

        Raises RefusedError on another 4xx, SourceError when the source stays away; neither quotes a query or token.
        """
        place = _place(url)
        key = f"{method} {place}"
        last: list[str] = []

        def once() -> requests.Response:
            self._take(key)
            try:
                answer = self.session.request(
                    method, url, headers=headers, params=params, data=data, timeout=TIMEOUT, allow_redirects=False
                )
            except requests.RequestException as error:
                last[:] = [type(error).__name__]
                raise _Again from None
            self._learn(key, answer)
            if answer.status_code == 429 or answer.status_code >= 500:
                last[:] = [f"HTTP {answer.status_code}"]
                if answer.status_code == 429:
                    self.sleep(self._pause(key, answer))
                raise _Again
            return answer

        retrying = Retrying(
            retry=retry_if_exception_type(_Again), stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=0.5, max=30), sleep=self.sleep,
        )  # fmt: skip
        try:
            answer = retrying(once)
        except RetryError:
            raise SourceError(
                f"{self.name}: {place} did not answer after {ATTEMPTS} tries ({last[0]}); the next run tries again"
            ) from None
        if answer.status_code >= 300:
            raise RefusedError(
                f"{self.name}: {place} refused the request (HTTP {answer.status_code})",
                answer.status_code,
                _body(answer),
            )
        return answer

    def json(self, method: str, url: str, **kwargs: Any) -> Any:
        """`send`, its answer parsed with exact decimals. Raises SourceError when it is not whole JSON."""
        answer = self.send(method, url, **kwargs)
        try:
            return parse(answer.content)
        except ValueError:
            raise SourceError(f"{self.name}: {_place(url)} answered broken JSON; the next run tries again") from None

    def _take(self, key: str) -> None:
        bucket = self._buckets.get(key)
        if bucket is None or not bucket.rate:
            return
        now = self.clock()
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.at) * bucket.rate)
        bucket.at = now
        if bucket.tokens < 1:
            self.sleep(min(MAX_WAIT, (1 - bucket.tokens) / bucket.rate))
            bucket.tokens = 1
        bucket.tokens -= 1

    def _learn(self, key: str, answer: requests.Response) -> None:
        try:
            rate = float(answer.headers.get("x-amzn-RateLimit-Limit", ""))
        except ValueError:
            return
        bucket = self._buckets.setdefault(key, _Bucket(tokens=BURST - 1, at=self.clock()))
        bucket.rate = max(0.0, rate)

    def _pause(self, key: str, answer: requests.Response) -> float:
        try:
            return min(MAX_WAIT, float(answer.headers["Retry-After"]))
        except (KeyError, ValueError):
            bucket = self._buckets.get(key)
            return min(MAX_WAIT, 1 / bucket.rate) if bucket and bucket.rate else 2.0


def parse(content: bytes) -> Any:
    """JSON with decimals instead of floats and whole numbers of any size."""
    return json.loads(content, parse_float=Decimal)


def _body(answer: requests.Response) -> Any:
    try:
        return parse(answer.content)
    except ValueError:
        return None


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}{parts.path}"
