"""Skips this folder where the optional extra `spark` is not installed."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [name for name in ("pyspark", "dbt.adapters.spark") if importlib.util.find_spec(name) is None]
    if shutil.which("java") is None:
        missing.append("java")
    for item in items:
        if FOLDER in item.path.parents and item.get_closest_marker("spark") and missing:
            item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}: pip install '.[spark]' and Java 17"))
