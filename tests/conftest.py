"""Fixtures that all rooms share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("KPI_SHARED", Path(__file__).resolve().parents[1].parent / "shared"))


@pytest.fixture
def shared() -> Path:
    """The real data folder; the test is skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no real data in {SHARED}; set KPI_SHARED")
    return SHARED


@pytest.fixture(autouse=True, scope="module")
def own_environment() -> Iterator[None]:
    """No module leaves variables behind that point the next one at its lake."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
