"""What only the sandbox has: its clock, its planted faults, its request log. No platform offers these paths."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sandbox.platforms.state import Fault, State
from sandbox.platforms.wire import Answer, Ask, iso, parse_moment, reply

_SHUTDOWN: dict[int, Callable[[], None]] = {}
NOON_UTC = 12 * 3600


def world_time(as_of: date) -> int:
    """Noon UTC of a day: by then the day before is over in Los Angeles and in Tokyo alike."""
    moment = parse_moment(as_of.isoformat())
    if moment is None:
        raise ValueError(f"not a date: {as_of}")
    return moment + NOON_UTC


def on_shutdown(state: State, stop: Callable[[], None]) -> None:
    """Names what `POST /_control/shutdown` calls."""
    _SHUTDOWN[id(state)] = stop


def route(state: State, ask: Ask) -> Answer:
    """clock (GET, POST {now} or {as_of}), faults (POST, DELETE), revoke, restore, expire_tokens, throttle, log, …"""
    name = ask.path.removeprefix("/_control/")
    wish = ask.json()
    if name == "clock":
        if ask.method == "POST":
            now = world_time(date.fromisoformat(wish["as_of"])) if "as_of" in wish else parse_moment(str(wish["now"]))
            if now is None:
                return reply({"error": "now must be an ISO 8601 moment"}, 400)
            state.now = now
        return reply({"now": iso(state.now)})
    if name == "faults":
        if ask.method == "POST":
            state.faults.append(Fault(**wish))
        elif ask.method == "DELETE":
            state.faults.clear()
        return reply([fault.__dict__ for fault in state.faults])
    if name in ("revoke", "restore"):
        (state.revoked.add if name == "revoke" else state.revoked.discard)(str(wish["prefix"]))
        return reply(sorted(state.revoked))
    if name == "expire_tokens":
        state.tokens.clear()
        state.token_seconds = int(wish.get("seconds", state.token_seconds))
        return reply({"expires_in": state.token_seconds})
    if name == "throttle":
        state.burst, state.rate = int(wish["burst"]), float(wish["rate"])
        state.buckets.clear()
        return reply({"burst": state.burst, "rate": state.rate})
    if name == "log":
        if ask.method == "DELETE":
            state.log.clear()
        return reply(list(state.log))
    if name == "slack":
        return reply(state.slack)
    if name == "react":
        state.reactions.setdefault(str(wish["ts"]), []).append(str(wish["name"]))
        return reply(state.reactions)
    if name == "shutdown":
        _SHUTDOWN.pop(id(state))()
        return reply({"stopping": True})
    return reply({"error": f"no such control: {name}"}, 404)
