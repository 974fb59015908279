"""How a company's settings choose the engine that dbt runs on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.company import load_company
from orchestration import warehouse
from tests.ingestion.conftest import COMPANY


def test_engine_that_is_not_installed_fails_the_build_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "company.yml").write_text(COMPANY + "engine: spark\n")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = warehouse.build(load_company(tmp_path), select=warehouse.KPI)
    assert result.failures == [
        "engine: spark is not installed: pip install '.[spark]' and Java 17 or newer, or set engine: duckdb"
    ]


def test_profiles_of_the_company_folder_win(tmp_path: Path) -> None:
    def profiles() -> str:
        arguments = warehouse.dbt_arguments(tmp_path, tmp_path, "spark", tmp_path)
        assert arguments[arguments.index("--target") + 1] == "spark"
        return arguments[arguments.index("--profiles-dir") + 1]

    assert profiles() == str(warehouse.PROJECT_DIR)
    (tmp_path / "profiles.yml").touch()
    assert profiles() == str(tmp_path)


def test_bucket_is_read_by_its_own_filesystem(tmp_path: Path) -> None:
    variables = warehouse.dbt_environment(tmp_path, "s3://acme/kpi")
    assert variables["KPI_LAKE"] == "s3://acme/kpi"
    assert variables["KPI_FILESYSTEMS"] == "[{'fs': 's3', 'use_listings_cache': False}]"
    assert warehouse.dbt_environment(tmp_path, str(tmp_path))["KPI_FILESYSTEMS"] == "[]"


def test_an_interrupted_build_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dbt.cli.main import dbtRunner, dbtRunnerResult

    (tmp_path / "company.yml").write_text(COMPANY)
    ended = dbtRunnerResult(success=False, exception=KeyboardInterrupt())
    monkeypatch.setattr(dbtRunner, "invoke", lambda *_: ended)
    assert warehouse.build(load_company(tmp_path), select=warehouse.KPI).failures == ["dbt: KeyboardInterrupt"]
