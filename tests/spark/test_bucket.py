"""Spark reads a lake in a bucket as it reads a folder; for that it needs an S3 client, which PyPI's pyspark lacks."""

from __future__ import annotations

import importlib.util
import os
from datetime import timedelta
from pathlib import Path

import fsspec
import pytest

from orchestration.spark_files import write_built
from tests.dbt_project.lake import Lake
from tests.dbt_project.scenario import DAY, land_first
from tests.spark.engines import building
from tests.spark.equal import differences


def has_s3_client() -> bool:
    found = importlib.util.find_spec("pyspark")
    return bool(found and found.origin and list(Path(found.origin).parent.glob("jars/hadoop-aws-*.jar")))


pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(not has_s3_client(), reason="pyspark has no hadoop-aws: docs/scaling.md names the package"),
]


def test_spark_builds_the_same_facts_from_a_bucket(tmp_path: Path, bucket: str) -> None:
    lake = Lake(tmp_path / "data")
    land_first(lake)
    facts = ("+fct_order_line", "+fct_ad_daily", "+audit_reconciliation")
    lake.build(*facts, as_of=str(DAY + timedelta(days=10)))
    fsspec.filesystem("s3").put(f"{lake.root}/lake", bucket, recursive=True)

    conf = tmp_path / "conf"
    conf.mkdir()
    (conf / "spark-defaults.conf").write_text(
        "spark.hadoop.fs.s3.impl org.apache.hadoop.fs.s3a.S3AFileSystem\n"
        f"spark.hadoop.fs.s3a.endpoint {os.environ['AWS_ENDPOINT_URL']}\n"
        "spark.hadoop.fs.s3a.path.style.access true\n"
    )
    tables = lake.root / "tables"
    settings = {"SPARK_CONF_DIR": str(conf), "KPI_LAKE": bucket, "KPI_SPARK_WAREHOUSE": str(tables)}
    assert any("Completed successfully" in line for line in list(building(lake.root, settings, *facts)))
    built = lake.root / "on_spark.duckdb"
    write_built(str(tables), "kpi", built)
    assert differences(lake.warehouse, built) == {}
