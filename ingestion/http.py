"""The HTTP client that every API connector shares: timeouts, retries, throttling, exact numbers, quiet errors."""

from __future__ import annotations

import gzip
import json
import re
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from tenacity import RetryCallState, RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from urllib3.exceptions import HTTPError

from ingestion.connector import SourceError

TIMEOUT = (10, 120)
ATTEMPTS = 8
BURST = 20
LONGEST_WAIT = 900.0
T = TypeVar("T")
_exponential = wait_exponential(multiplier=0.5, max=30)


class _Again(Exception):
    """An answer worth asking for again, after `pause` seconds where the platform or its limits say how long."""

    def __init__(self, reason: str, pause: float | None = None) -> None:
        super().__init__(reason)
        self.pause = pause


class RefusedError(SourceError):
    """An HTTP answer of 3xx or 4xx; `status` and parsed `body` let a connector tell a known refusal from a failure."""

    def __init__(self, message: str, status: int, body: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


@dataclass(frozen=True)
class Document:
    """A report as received and as unpacked, and the encoding that its server names (None where it names none)."""

    received: bytes
    content: bytes
    charset: str | None


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

    def read(self, method: str, url: str, read: Callable[[bytes], T], **kwargs: Any) -> T:
        """The body of the answer through `read`; a body it rejects with ValueError is cut, and is asked for again.

        Keyword arguments are `headers`, `params` and `data` of `requests`. Lost connections and 5xx are asked again,
        a 429 after what Retry-After says or the announced rate allows.

        Raises RefusedError on another 3xx or 4xx, SourceError when the source stays away. Neither quotes a query, a
        token or a body.
        """
        return self._persist(method, url, lambda: self._once(method, url, read, kwargs)[1])

    def json(self, method: str, url: str, **kwargs: Any) -> Any:
        """`read` as JSON with exact decimals."""
        return self.read(method, url, parse, **kwargs)

    def document(self, locate: Callable[[], tuple[str, bool]], what: str) -> Document:
        """What a short-lived address holds; `locate` gives the address and whether it is gzipped.

        Located afresh once, when the address has expired or what it holds is cut.

        Raises SourceError that names `what`: a cut gzip is never taken for the whole.
        """
        trouble = ""
        for _ in range(2):
            url, zipped = locate()
            try:
                kind, received = self._persist("GET", url, partial(self._once, "GET", url, bytes, {}, raw=True))
                return Document(received, gzip.decompress(received) if zipped else received, _charset(kind))
            except RefusedError as refused:
                trouble = f"is refused by its server (HTTP {refused.status})"
            except (EOFError, OSError, zlib.error):
                trouble = "is truncated"
        raise SourceError(f"{self.name}: {what} {trouble}; the next run asks again")

    def _once(
        self, method: str, url: str, read: Callable[[bytes], T], wish: Mapping[str, Any], raw: bool = False
    ) -> tuple[str, T]:
        key = f"{method} {_place(url)}"
        self._take(key)
        try:
            answer = self.session.request(method, url, timeout=TIMEOUT, allow_redirects=False, stream=raw, **wish)
            # Undecoded: a report's own gzip must not be unpacked as if it were the transfer's.
            body = answer.raw.read(decode_content=False) if raw else answer.content
        except (requests.RequestException, HTTPError) as error:
            raise _Again(type(error).__name__) from None
        self._learn(key, answer)
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _Again(f"HTTP {answer.status_code}", self._pause(key, answer))
        if answer.status_code >= 300:
            content = _parsed(body)
            code = _code(content)
            raise RefusedError(
                f"{self.name}: {_place(url)} refused the request (HTTP {answer.status_code}{code and f', {code}'})",
                answer.status_code,
                content,
            )
        try:
            return answer.headers.get("Content-Type", ""), read(body)
        except ValueError:
            raise _Again("a broken answer") from None

    def _persist(self, method: str, url: str, once: Callable[[], T]) -> T:
        retrying = Retrying(
            retry=retry_if_exception_type(_Again), stop=stop_after_attempt(ATTEMPTS), wait=_patience, sleep=self.sleep
        )
        try:
            return retrying(once)
        except RetryError as given_up:
            raise SourceError(
                f"{self.name}: {_place(url)} did not answer after {ATTEMPTS} tries "
                f"({given_up.last_attempt.exception()}); the next run tries again"
            ) from None

    def _take(self, key: str) -> None:
        bucket = self._buckets.get(key)
        if bucket is None or not bucket.rate:
            return
        now = self.clock()
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.at) * bucket.rate)
        bucket.at = now
        if bucket.tokens < 1:
            self.sleep(min(LONGEST_WAIT, (1 - bucket.tokens) / bucket.rate))
            # The nap has paid for this token; it must not pay for the next one too.
            bucket.tokens, bucket.at = 1, self.clock()
        bucket.tokens -= 1

    def _learn(self, key: str, answer: requests.Response) -> None:
        try:
            rate = float(answer.headers.get("x-amzn-RateLimit-Limit", ""))
        except ValueError:
            return
        bucket = self._buckets.setdefault(key, _Bucket(tokens=BURST - 1, at=self.clock()))
        bucket.rate = max(0.0, rate)

    def _pause(self, key: str, answer: requests.Response) -> float | None:
        """Seconds to wait before the next try, None where nothing says. Raises SourceError where that is too long."""
        told = _retry_after(answer)
        bucket = self._buckets.get(key)
        if told is not None and told > LONGEST_WAIT:
            raise SourceError(
                f"{self.name}: {_place(answer.url)} asks to wait {told:.0f} seconds; the next run tries again"
            )
        if answer.status_code == 429 and bucket and bucket.rate:
            bucket.tokens, bucket.at = 0, self.clock()
            return told if told is not None else min(LONGEST_WAIT, 1 / bucket.rate)
        return told


def _patience(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    pause = error.pause if isinstance(error, _Again) else None
    return _exponential(state) if pause is None else pause


def _retry_after(answer: requests.Response) -> float | None:
    """`Retry-After` in seconds, given as such or as a date by the server's own clock."""
    text = answer.headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    try:
        now = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        now = datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def parse(content: bytes) -> Any:
    """JSON with decimals instead of floats and whole numbers of any size."""
    return json.loads(content, parse_float=Decimal)


def _parsed(body: bytes) -> Any:
    try:
        return parse(body)
    except ValueError:
        return None


def _code(body: Any) -> str:
    """The platform's own name of an error, where it gives one that can hold nobody's data."""
    if isinstance(body, dict):
        errors = body.get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else body
        code = str(first.get("code") or first.get("error") or "")
        if re.fullmatch(r"[A-Za-z_]{1,40}", code):
            return code
    return ""


def _charset(content_type: str) -> str | None:
    found = re.search(r"charset=\"?([\w.\-]+)", content_type, re.IGNORECASE)
    return found.group(1) if found else None


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}{parts.path}"
