"""A Slack that remembers: Web API methods the alerts use, and an incoming webhook."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qsl

from sandbox.platforms.state import State
from sandbox.platforms.wire import Answer, Ask, reply


def route(state: State, ask: Ask) -> Answer:
    """POST or GET /slack/api/<method>, POST /slack/webhook."""
    wish = _arguments(ask)
    if ask.path.startswith("/slack/webhook"):
        _store(state, {**wish, "channel": "webhook"})
        return Answer(200, b"ok", {"Content-Type": "text/html"})
    method = ask.path.removeprefix("/slack/api/")
    if not ask.headers.get("authorization", "").startswith("Bearer xoxb-") and "token" not in wish:
        return reply({"ok": False, "error": "not_authed"})
    if method == "auth.test":
        return reply({"ok": True, "url": state.url, "team": "Sandbox", "user": "kpi", "team_id": "T0", "user_id": "U0"})
    if method == "chat.postMessage":
        message = _store(state, wish)
        return reply({"ok": True, "channel": message["channel"], "ts": message["ts"], "message": message})
    if method == "chat.update":
        found = _find(state, wish)
        if found is None:
            return reply({"ok": False, "error": "message_not_found"})
        found.update({k: v for k, v in wish.items() if k not in ("channel", "ts", "token")}, edited=True)
        return reply({"ok": True, "channel": found["channel"], "ts": found["ts"], "text": found.get("text", "")})
    if method == "conversations.history":
        return _history(state, wish)
    if method == "conversations.list":
        names = sorted({m["channel"] for m in state.slack} | {"C-kpi", "C-kpi-data"})
        return reply(
            {
                "ok": True,
                "channels": [{"id": n, "name": n.removeprefix("C-")} for n in names],
                "response_metadata": {"next_cursor": ""},
            }
        )
    if method == "reactions.get":
        names = state.reactions.get(str(wish.get("timestamp")), [])
        reactions = [{"name": name, "count": 1, "users": ["U1"]} for name in names]
        return reply({"ok": True, "type": "message", "message": {"ts": wish.get("timestamp"), "reactions": reactions}})
    return reply({"ok": False, "error": "unknown_method"})


def _arguments(ask: Ask) -> dict[str, Any]:
    wish: dict[str, Any] = dict(ask.query)
    if "json" in ask.headers.get("content-type", ""):
        return {**wish, **ask.json()}
    wish.update(parse_qsl(ask.body.decode("utf-8", "replace")))
    for name in ("blocks", "metadata", "attachments"):
        if isinstance(wish.get(name), str):
            wish[name] = json.loads(wish[name])
    return wish


def _channel(name: str) -> str:
    return f"C-{name.removeprefix('#')}" if not name.startswith("C-") else name


def _store(state: State, wish: dict[str, Any]) -> dict[str, Any]:
    with state.lock:
        kept = {k: v for k, v in wish.items() if k != "token"}
        message = {
            **kept,
            "type": "message",
            "channel": _channel(str(wish.get("channel", ""))),
            "ts": f"{int(time.time())}.{len(state.slack):06d}",
        }
        state.slack.append(message)
        return message


def _find(state: State, wish: dict[str, Any]) -> dict[str, Any] | None:
    channel = _channel(str(wish.get("channel", "")))
    return next((m for m in state.slack if m["ts"] == wish.get("ts") and m["channel"] == channel), None)


def _history(state: State, wish: dict[str, Any]) -> Answer:
    """Newest first; metadata only where `include_all_metadata` asks for it, thread replies never."""
    channel = _channel(str(wish.get("channel", "")))
    oldest = float(wish.get("oldest") or 0)
    whole = str(wish.get("include_all_metadata", "")).lower() in ("1", "true")
    found = [m for m in reversed(state.slack) if m["channel"] == channel and "thread_ts" not in m]
    found = [m for m in found if float(m["ts"]) >= oldest]
    start, size = int(wish.get("cursor") or 0), int(wish.get("limit") or 100)
    page = [m if whole else {k: v for k, v in m.items() if k != "metadata"} for m in found[start : start + size]]
    more = start + size < len(found)
    return reply(
        {
            "ok": True,
            "messages": page,
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + size) if more else ""},
        }
    )
