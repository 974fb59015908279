"""The mutable side of the sandbox: world time, tokens, planted faults, the request log, what Slack received."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from sandbox.catalogue import STORES, Store
from sandbox.world import World

TOKEN_SECONDS = 3600


@dataclass
class Fault:
    """A planted failure for the next `times` requests whose path starts with `path`.

    kind: status (answer `status`, with `retry_after` seconds), reset (drop before acting), reset_after (act, drop),
    truncate (send half of the body as if it were whole), fatal_report, cancelled_report, empty (a store lands nothing).
    """

    kind: str
    path: str
    times: int = 1
    status: int = 500
    retry_after: str = "0"


@dataclass
class State:
    """Everything a server knows beside the world. `now` is the world time in epoch seconds."""

    world: World
    now: int
    url: str = ""
    burst: int = 10_000
    rate: float = 1000.0
    token_seconds: int = TOKEN_SECONDS
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=20_000))
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    slack: list[dict[str, Any]] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def take_fault(self, path: str, kinds: set[str]) -> Fault | None:
        """The first planted fault for this path, used up once."""
        with self.lock:
            for fault in self.faults:
                if fault.kind in kinds and path.startswith(fault.path) and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def has_fault(self, path: str, kind: str) -> bool:
        """Whether a standing fault of this kind covers the path; it isn't used up."""
        return any(f.kind == kind and path.startswith(f.path) and f.times > 0 for f in self.faults)

    def issue_token(self, credentials: str) -> str:
        """A new access token for one credential set, on the real clock."""
        token = "Atza|" + secrets.token_urlsafe(24)
        with self.lock:
            self.tokens[token] = (credentials, time.time() + self.token_seconds)
        return token

    def token_owner(self, token: str) -> str | None:
        """The credential set of a live token, None when unknown, expired or revoked."""
        owner, until = self.tokens.get(token, ("", 0.0))
        return owner if owner and until > time.time() and owner not in self.revoked else None

    def admit(self, name: str) -> bool:
        """Takes one token from a named bucket of `burst`, refilled at `rate` per second."""
        with self.lock:
            level, at = self.buckets.get(name, (float(self.burst), time.time()))
            level = min(float(self.burst), level + (time.time() - at) * self.rate)
            self.buckets[name] = (level - 1 if level >= 1 else level, time.time())
            return level >= 1


def store_of(key: str) -> Store | None:
    """The store behind a path part (`us`, `jp`)."""
    return next((store for store in STORES if store.key == key), None)


def credentials(prefix: str) -> dict[str, str]:
    """The credentials that the sandbox accepts for a prefix; made up, and the same in every world."""
    slug = prefix.lower().replace("_", "-")
    return {
        f"{prefix}_CLIENT_ID": f"amzn1.application-oa2-client.{slug}",
        f"{prefix}_CLIENT_SECRET": f"sandbox-secret-{slug}",
        f"{prefix}_REFRESH_TOKEN": f"Atzr|sandbox-{slug}",
    }
