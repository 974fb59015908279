"""The same tables over the network: a Spark Thrift server on loopback, by the profile that docs/scaling.md shows."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from ingestion.company import Company, load_company
from orchestration.warehouse import build
from tests.dbt_project.lake import Lake
from tests.dbt_project.scenario import DAY, land_first
from tests.ingestion.conftest import COMPANY
from tests.spark.daemons import daemon, logged
from tests.spark.equal import differences

pytestmark = [pytest.mark.spark, pytest.mark.slow]

DOCS = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"


@dataclass(frozen=True)
class Server:
    """A Thrift server and the folder in which its Spark keeps tables."""

    port: int
    tables: Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    tables, log = tmp_path / "tables", tmp_path / "thrift.log"
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": tables,
        "spark.sql.shuffle.partitions": 2,
        "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:memory:metastore;create=true",
    }
    with contextlib.ExitStack() as stack:
        process = daemon(
            stack, log, "org.apache.spark.deploy.SparkSubmit", "--master", "local[2]",
            *(part for name, value in settings.items() for part in ("--conf", f"{name}={value}")),
            "--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2", "spark-internal",
            "--hiveconf", "hive.server2.thrift.port=0", "--hiveconf", "hive.server2.thrift.bind.host=127.0.0.1",
        )  # fmt: skip
        yield Server(int(logged(log, r"Starting ThriftBinaryCLIService on port (\d+)", process)), tables)


@pytest.fixture
def company(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A company whose profile is the documented one, but for host and port."""
    found = re.search(r"```yaml\n(crossborder_kpi:.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert found
    profile = yaml.safe_load(found[1])
    profile["crossborder_kpi"]["outputs"]["spark"] |= {"host": "127.0.0.1", "port": server.port}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profile), "utf-8")
    (tmp_path / "company.yml").write_text(COMPANY + "engine: spark\n", "utf-8")
    monkeypatch.setenv("KPI_SPARK_WAREHOUSE", str(server.tables))
    return load_company(tmp_path)


def test_the_documented_profile_builds_the_same_facts_over_thrift(company: Company, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "data")
    land_first(lake)
    facts = ("+fct_order_line", "+fct_ad_daily", "+fct_inventory_daily", "+audit_fx_rate", "+audit_reconciliation")
    lake.build(*facts, as_of=str(DAY + timedelta(days=10)))
    on_duckdb = lake.warehouse.rename(tmp_path / "on_duckdb.duckdb")

    assert build(company, select=facts).failures == []
    assert differences(on_duckdb, lake.warehouse) == {}


def test_a_session_with_other_settings_is_refused_before_it_makes_a_wrong_number(company: Company) -> None:
    path = company.root / "profiles.yml"
    path.write_text(path.read_text("utf-8").replace("set:hiveconf:", ""), "utf-8")

    refused = build(company, select=("audit_fx_rate",))
    assert len(refused.failures) == 1
    assert "spark.sql.decimalOperations.allowPrecisionLoss = true and must have false" in refused.failures[0]
    assert refused.built == []
