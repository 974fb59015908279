"""One attempt to reach Slack, and what its outcome means for the outbox. Never retries by itself.

`retry_handlers=[]`: slack_sdk's default repeats a request after a connection error, which posts twice when the first
one had been accepted. Limits: https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import http.client
import logging
import urllib.error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

TIMEOUT = 10
MAX_PAGES = 200
AUTH_ERRORS = {
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
    "no_permission", "org_login_required", "access_denied", "not_allowed_token_type",
}  # fmt: skip
TRANSIENT = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
CHANNEL_ERRORS = {"channel_not_found", "not_in_channel", "is_archived", "restricted_action", "user_not_found"}

_silent = logging.getLogger("kpi.alerts.slack_sdk")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False  # the outbox reports failures itself, once


@dataclass(frozen=True)
class Sent:
    """Slack has the message."""

    channel: str | None
    ts: str | None


@dataclass(frozen=True)
class Later:
    """Certainly not accepted; try again after `seconds` (None: back off)."""

    seconds: float | None
    reason: str
    limited: bool = False


@dataclass(frozen=True)
class Ambiguous:
    """Nobody knows whether Slack accepted it: look before sending again."""

    reason: str


@dataclass(frozen=True)
class Refused:
    """Refused for good: `auth` stops all sending, `channel` waits for a person, else the message itself is wrong."""

    reason: str
    kind: str


Outcome = Sent | Later | Ambiguous | Refused


class Transport(Protocol):
    """A way to Slack."""

    can_look_up: bool

    def post(self, channel: str, body: Mapping[str, Any], key: str, thread_ts: str | None) -> Outcome:
        """Post one message."""
        ...

    def update(self, channel: str, ts: str, body: Mapping[str, Any], key: str) -> Outcome:
        """Rewrite a message; harmless to repeat."""
        ...

    def find(self, channel: str, key: str, oldest: float, thread_ts: str | None) -> Outcome | None:
        """The message that carries `key`, None when Slack has none, or why that can't be known now."""
        ...


def transport(env: Mapping[str, str]) -> Transport | None:
    """Bot token first, webhook else, None when neither is set."""
    if env.get("SLACK_BOT_TOKEN"):
        base = env.get("SLACK_API_URL") or WebClient.BASE_URL
        return BotTransport(WebClient(
            token=env["SLACK_BOT_TOKEN"], base_url=base.rstrip("/") + "/", timeout=TIMEOUT, retry_handlers=[],
            logger=_silent,
        ))  # fmt: skip
    if env.get("SLACK_WEBHOOK_URL"):
        return WebhookTransport(WebhookClient(env["SLACK_WEBHOOK_URL"], TIMEOUT, retry_handlers=[], logger=_silent))
    return None


def _metadata(key: str) -> dict[str, Any]:
    return {"event_type": "kpi_alert", "event_payload": {"alert_key": key}}


class BotTransport:
    """Slack's Web API with a bot token: `chat:write`, `channels:read`, `channels:history`."""

    can_look_up = True

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def post(self, channel: str, body: Mapping[str, Any], key: str, thread_ts: str | None) -> Outcome:
        """chat.postMessage with the alert key in its metadata."""
        try:
            answer = self._client.chat_postMessage(
                channel=channel, text=str(body["text"]), blocks=body["blocks"], metadata=_metadata(key),
                thread_ts=thread_ts, unfurl_links=False,
            )  # fmt: skip
            return Sent(answer.get("channel"), answer.get("ts"))
        except (SlackClientError, OSError, http.client.HTTPException) as error:
            return outcome_of(error)

    def update(self, channel: str, ts: str, body: Mapping[str, Any], key: str) -> Outcome:
        """chat.update."""
        try:
            self._client.chat_update(channel=channel, ts=ts, text=str(body["text"]), blocks=body["blocks"])
            return Sent(channel, ts)
        except (SlackClientError, OSError, http.client.HTTPException) as error:
            return outcome_of(error)

    def find(self, channel: str, key: str, oldest: float, thread_ts: str | None) -> Outcome | None:
        """Walk the channel's history (or the thread) since `oldest` (epoch seconds) for the alert key."""
        try:
            channel_id = self._channel_id(channel)
            if channel_id is None:
                return Refused("channel_not_found", "channel")
            cursor = ""
            for _ in range(MAX_PAGES):
                options: dict[str, Any] = {
                    "channel": channel_id, "oldest": f"{oldest:.6f}", "limit": 200, "include_all_metadata": True,
                }  # fmt: skip
                if cursor:
                    options["cursor"] = cursor
                if thread_ts:
                    answer = self._client.conversations_replies(ts=thread_ts, **options)
                else:
                    answer = self._client.conversations_history(**options)
                for message in answer.get("messages") or []:
                    if ((message.get("metadata") or {}).get("event_payload") or {}).get("alert_key") == key:
                        return Sent(channel_id, message["ts"])
                cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
                if not cursor:
                    return None
            return Ambiguous(f"more than {MAX_PAGES} pages of history")
        except (SlackClientError, OSError, http.client.HTTPException) as error:
            return outcome_of(error)

    def _channel_id(self, channel: str) -> str | None:
        if not channel.startswith("#"):
            return channel
        cursor = ""
        for _ in range(MAX_PAGES):
            answer = self._client.conversations_list(limit=500, cursor=cursor or None)
            for found in answer.get("channels") or []:
                if found.get("name") == channel[1:]:
                    return str(found["id"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return None


class WebhookTransport:
    """An incoming webhook: one channel, no thread, no update, no look-up, so an unclear post is never repeated."""

    can_look_up = False

    def __init__(self, client: WebhookClient) -> None:
        self._client = client

    def post(self, channel: str, body: Mapping[str, Any], key: str, thread_ts: str | None) -> Outcome:
        """Post to the webhook's own channel."""
        try:
            answer = self._client.send(text=str(body["text"]), blocks=body["blocks"])
        except (SlackClientError, OSError, http.client.HTTPException) as error:
            return outcome_of(error)
        if answer.status_code == 200:
            return Sent(None, None)
        if answer.status_code == 429:
            return Later(_retry_after(answer.headers), "429 from the webhook", limited=True)
        if answer.status_code >= 500:
            return Ambiguous(f"status {answer.status_code} from the webhook")
        return Refused(f"{answer.status_code} {answer.body[:80]}", "auth" if answer.status_code in (403, 404) else "")

    def update(self, channel: str, ts: str, body: Mapping[str, Any], key: str) -> Outcome:
        """Webhooks can't."""
        return Refused("a webhook can't update a message", "")

    def find(self, channel: str, key: str, oldest: float, thread_ts: str | None) -> Outcome | None:
        """Webhooks can't."""
        return Refused("a webhook can't look a message up", "")


def _retry_after(headers: Mapping[str, Any]) -> float:
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), "1")
    try:
        return max(float(value[0] if isinstance(value, list) else value), 0.0)
    except ValueError:
        return 1.0


def outcome_of(error: Exception) -> Outcome:
    """What a failed request means. Only an answer, or a connection never made, proves that nothing was accepted."""
    if isinstance(error, SlackApiError):
        code, status = str(error.response.get("error", "")), getattr(error.response, "status_code", 200)
        if status == 429 or code in ("ratelimited", "rate_limited", "message_limit_exceeded"):
            return Later(_retry_after(error.response.headers), "429 ratelimited", limited=True)
        if status >= 500 or code in TRANSIENT or " " in code or not code:
            return Ambiguous(f"status {status} {code[:80]}".strip())
        if code in AUTH_ERRORS:
            return Refused(code, "auth")
        return Refused(code, "channel" if code in CHANNEL_ERRORS else "")
    reason = getattr(error, "reason", error)
    if isinstance(error, urllib.error.URLError) and isinstance(reason, ConnectionRefusedError | OSError):
        name = type(reason).__name__
        if isinstance(reason, ConnectionRefusedError) or name == "gaierror":
            return Later(None, f"no connection to Slack: {name}")
    return Ambiguous(f"{type(error).__name__}: {reason}"[:120])
