"""Asks MetricFlow and the KPI tables of one company the same questions, and compares the answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.warehouse import dbt_arguments

Answers = dict[tuple[str, date, str], Any]


def dbt(root: Path, *command: str) -> None:
    """One dbt call over the company of `root`, whose variables the environment must hold."""
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner().invoke([*command, *dbt_arguments(root / "target", root / "logs"), "--quiet"])
    assert outcome.success, outcome.exception


def published(root: Path, grain: str) -> Answers:
    """Values of `kpi.kpi_values` per metric, period and store, but for stale ones: MetricFlow knows no coverage."""
    with duckdb.connect(str(root / "data" / "warehouse.duckdb")) as warehouse:
        rows = warehouse.execute(
            "select metric, period_start, scope_id, value from kpi.kpi_values "
            "where grain = ? and scope_type = 'store' and status <> 'stale'",
            [grain],
        ).fetchall()
    return {(metric, day, store): value for metric, day, store, value in rows}


def ask(root: Path, metrics: Iterable[str], grain: str) -> Answers:
    """MetricFlow's answers per metric, period and store, from the manifest that dbt left in `root`/target."""
    from dbt.adapters.factory import get_adapter_by_type
    from dbt_metricflow.cli.dbt_connectors.adapter_backed_client import AdapterBackedSqlClient
    from dbt_metricflow.cli.dbt_connectors.dbt_config_accessor import parse_manifest_from_dbt_generated_manifest
    from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    text = (root / "target" / "semantic_manifest.json").read_text()
    manifest = parse_manifest_from_dbt_generated_manifest(manifest_json_string=text)
    engine = MetricFlowEngine(
        semantic_manifest_lookup=SemanticManifestLookup(manifest),
        sql_client=AdapterBackedSqlClient(get_adapter_by_type("duckdb")),
    )
    time = f"metric_time__{grain}"
    request = MetricFlowQueryRequest.create(metric_names=sorted(metrics), group_by_names=["store", time])
    frame = engine.query(request).result_df
    assert frame is not None
    answers: Answers = {}
    for row in frame.rows:
        values = dict(zip(frame.column_names, row, strict=True))
        day, store = values.pop(time).date(), values.pop("store")
        answers |= {(metric, day, store): value for metric, value in values.items()}
    return answers


def assert_equal(told: Answers, asked: Answers) -> None:
    """Every value that the KPI tables tell is the one that MetricFlow answers; NULL is not 0."""
    assert told == {
        key: None if asked[key] is None else pytest.approx(float(asked[key]), rel=1e-9, abs=1e-9) for key in told
    }
