"""One Spark session for the whole folder, which is skipped where the optional extra `spark` is not installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

FOLDER = Path(__file__).parent
# A small company ends before the JVM's second compiler pays off; without it, the JVM keeps too little room for code.
SPARK = {
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC",
    "KPI_SPARK_MASTER": "local[2]",
    "KPI_SPARK_PARTITIONS": "2",
    "SPARK_LOCAL_IP": "127.0.0.1",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [name for name in ("pyspark", "pyhive", "dbt.adapters.spark") if importlib.util.find_spec(name) is None]
    if shutil.which("java") is None:
        missing.append("java")
    for item in items:
        if FOLDER in item.path.parents and item.get_closest_marker("spark") and missing:
            item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}: pip install '.[spark]' and Java 17"))


@pytest.fixture(scope="package")
def spark_tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The warehouse folder of this process's Spark: a session keeps folder and catalogue for as long as it lives.

    Companies are told apart by their `KPI_DATABASE`.
    """
    from pyspark.sql import SparkSession

    tables = tmp_path_factory.mktemp("spark")
    settings = SPARK | {
        "KPI_SPARK_METASTORE": "jdbc:derby:memory:metastore;create=true",
        "KPI_SPARK_WAREHOUSE": str(tables),
    }
    with patch.dict(os.environ, settings):
        yield tables
        if session := SparkSession.getActiveSession():
            session.stop()
