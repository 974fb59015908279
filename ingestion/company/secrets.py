"""Secrets: from the environment, or a `.env` that stays out of version control. Never printed, never landed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr


def environment(root: Path) -> dict[str, str]:
    """`<root>/.env`, then `./.env`, then the process's own environment, the later ones winning."""
    merged: dict[str, str] = {}
    for path in (root / ".env", Path(".env")):
        if path.is_file():
            merged.update({k: v for k, v in dotenv_values(path, interpolate=False).items() if v is not None})
    merged.update(os.environ)
    return merged


def with_prefix(env: Mapping[str, str], prefix: str) -> dict[str, SecretStr]:
    """Values of `<prefix>_<NAME>` by NAME."""
    return {k[len(prefix) + 1 :]: SecretStr(v) for k, v in env.items() if k.startswith(f"{prefix}_") and v}


def pseudonym_key(root: Path) -> tuple[bytes, str | None]:
    """The key of buyer HMACs, and a line for the user when it has just been made.

    `KPI_PSEUDONYM_KEY` wins; else data/state/pseudonym_key, written once with mode 600.
    """
    given = environment(root).get("KPI_PSEUDONYM_KEY")
    if given:
        return given.encode(), None
    path = root / "data" / "state" / "pseudonym_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes().strip(), None
    key = secrets.token_hex(32).encode()
    with os.fdopen(handle, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key, f"made {path}, the key of buyer pseudonyms: keep a copy, a new key counts every buyer anew"
