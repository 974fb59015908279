"""Login with Amazon: refresh token in, access token of one hour out."""

from __future__ import annotations

from urllib.parse import parse_qsl

from sandbox.platforms.state import State, credentials
from sandbox.platforms.wire import Answer, Ask, reply

PREFIXES = ("AMAZON_US", "AMAZON_JP", "AMAZON_US_ADS", "AMAZON_JP_ADS")


def token(state: State, ask: Ask) -> Answer:
    """POST: grant_type=refresh_token with client_id, client_secret, refresh_token (form or JSON)."""
    form = dict(parse_qsl(ask.body.decode("utf-8", "replace"))) or {}
    if ask.headers.get("content-type", "").startswith("application/json"):
        form = {key: str(value) for key, value in ask.json().items()}
    if form.get("grant_type") != "refresh_token":
        return reply({"error": "unsupported_grant_type", "error_description": "grant_type must be refresh_token"}, 400)
    for prefix in PREFIXES:
        known = credentials(prefix)
        if form.get("client_id") == known[f"{prefix}_CLIENT_ID"]:
            if form.get("client_secret") != known[f"{prefix}_CLIENT_SECRET"]:
                return reply({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
            if prefix in state.revoked or form.get("refresh_token") != known[f"{prefix}_REFRESH_TOKEN"]:
                return reply({"error": "invalid_grant", "error_description": "The refresh token is invalid"}, 400)
            return reply(
                {
                    "access_token": state.issue_token(prefix),
                    "token_type": "bearer",
                    "expires_in": state.token_seconds,
                    "refresh_token": form["refresh_token"],
                }
            )
    return reply({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
