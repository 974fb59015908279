"""A small served world, and the official schemas where they are at hand."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests

from sandbox.company import environment
from sandbox.platforms.control import world_time
from sandbox.platforms.server import SandboxServer
from sandbox.platforms.state import State
from sandbox.world import World, simulate

AS_OF = date(2026, 3, 20)
US, JP = "ATVPDKIKX0DER", "A1VC38T7YXB528"


@pytest.fixture(scope="session")
def world() -> World:
    """Forty closed days before AS_OF over the spring change of clocks, and five spare ones."""
    return simulate(7, AS_OF - timedelta(days=40), 45, 20, AS_OF - timedelta(days=1))


@pytest.fixture
def server(world: World) -> Iterator[SandboxServer]:
    """The world, served as of AS_OF."""
    with SandboxServer(State(world, world_time(AS_OF))) as running:
        yield running


@pytest.fixture
def sp(server: SandboxServer) -> Callable[..., requests.Response]:
    """Calls an SP-API path of a store with a fresh token."""

    def call(store: str, path: str, method: str = "GET", **kwargs: Any) -> requests.Response:
        token = access_token(server, f"AMAZON_{store.upper()}")
        return requests.request(
            method, f"{server.url}/sp/{store}{path}", timeout=10, headers={"x-amz-access-token": token}, **kwargs
        )

    return call


def access_token(server: SandboxServer, prefix: str) -> str:
    """A token from the sandbox's LWA endpoint."""
    env = environment(server.url)
    form = {name.lower(): env[f"{prefix}_{name}"] for name in ("CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN")}
    answer = requests.post(f"{server.url}/lwa/auth/o2/token", data={"grant_type": "refresh_token", **form}, timeout=10)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


@pytest.fixture(scope="session")
def validate() -> Callable[[str, str, Any], None]:
    """Validates a value against a definition of an official SP-API model; skips where the models are absent."""
    shared = Path(os.environ.get("KPI_SHARED", Path(__file__).parents[3] / "shared"))
    models = shared / "specs" / "amazon_sp_api"
    if not models.is_dir():
        pytest.skip(f"no official models at {models}: set KPI_SHARED")

    @cache
    def validator(model: str, definition: str) -> jsonschema.Draft4Validator:
        document = json.loads((models / model).read_text("utf-8"))
        return jsonschema.Draft4Validator(
            {"$ref": f"#/definitions/{definition}", "definitions": document["definitions"]}
        )

    def check(model: str, definition: str, value: Any) -> None:
        validator(model, definition).validate(value)

    return check


@pytest.fixture(scope="session")
def recorded_ads() -> dict[str, Any]:
    """Amazon's recorded answers of the v3 reporting API, by the report's status."""
    shared = Path(os.environ.get("KPI_SHARED", Path(__file__).parents[3] / "shared"))
    collection = shared / "specs" / "amazon_ads" / "postman_collection.json"
    if not collection.is_file():
        pytest.skip(f"no recorded answers at {collection}: set KPI_SHARED")
    found: dict[str, Any] = {}

    def walk(node: dict[str, Any], path: str) -> None:
        for item in node.get("item", []):
            here = f"{path}/{item['name']}"
            for answer in item.get("response", []) if here.startswith("/Reporting/Sponsored ads V3/") else []:
                body = json.loads(answer["body"])
                found[body["status"]] = body
            walk(item, here)

    walk(json.loads(collection.read_text("utf-8")), "")
    return found
