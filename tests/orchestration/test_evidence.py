"""Evidence: what a run did, chained so that nothing can be taken out or changed unseen."""

from __future__ import annotations

import json
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from orchestration.evidence import EvidenceError, export, verify, write_evidence

RUNS = ("20250601T000000-a", "20250602T000000-b", "20250701T000000-c")


@pytest.fixture
def company(tmp_path: Path) -> Any:
    published = tmp_path / "data" / "published" / "company.duckdb"
    published.parent.mkdir(parents=True)
    with duckdb.connect(str(published)) as connection:
        connection.execute("CREATE SCHEMA core; CREATE TABLE core.fct_refund AS SELECT 'us' AS store_id, 1 AS refunds")
    return SimpleNamespace(
        root=tmp_path, lake=str(tmp_path / "data" / "lake"), sources=[SimpleNamespace(id="uk_orders", system="files")]
    )


@pytest.fixture
def chain(company: Any) -> Path:
    for run in RUNS:
        write_evidence(company, run, {"verdicts": [{"check": "fail_rows_landed", "observed": "0"}], "held": {}})
    return Path(company.root / "data" / "evidence")


def test_a_manifest_says_what_was_published_and_by_which_versions(chain: Path) -> None:
    manifest = json.loads((chain / RUNS[0] / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["published_tables"]["core.fct_refund"]["rows"] == 1
    assert manifest["versions"]["duckdb"] == duckdb.__version__
    assert "great_expectations" in manifest["versions"]
    assert manifest["verdicts"][0]["check"] == "fail_rows_landed"
    assert manifest["previous"] is None


def _load(company: Any, at: datetime, sha256: str) -> str:
    """A visible load of one file in the lake, in the layout of landing; returns its id."""
    source, load_id = Path(company.lake) / "files" / "uk_orders", str(at.timestamp())
    tables = {"meta_load": "'orders' AS resource, '[\"R9\"]' AS report_ids", "meta_file": f"'{sha256}' AS sha256"}
    for table, row in tables.items():
        (source / table).mkdir(parents=True, exist_ok=True)
        duckdb.execute(f"COPY (SELECT {row}) TO '{source / table / f'{load_id}.f1.parquet'}' (FORMAT parquet)")
    (source / "_dlt_loads").mkdir(exist_ok=True)
    line = json.dumps({"load_id": load_id, "status": 0})
    (source / "_dlt_loads" / f"uk_orders__{load_id}.jsonl").write_text(line + "\n", encoding="utf-8")
    return load_id


def test_a_load_and_its_file_hashes_are_in_the_next_manifest_and_in_no_other(company: Any) -> None:
    first = _load(company, datetime.now(UTC) - timedelta(hours=1), "abc")
    manifests = [json.loads(write_evidence(company, "r1", {}).read_text(encoding="utf-8"))]
    backfilled = _load(company, datetime.now(UTC), "def")
    manifests.append(json.loads(write_evidence(company, "r2", {}).read_text(encoding="utf-8")))
    told = [[(row["source_id"], row["load_id"], row["report_ids"]) for row in m["loads"]] for m in manifests]
    assert told == [[("uk_orders", first, '["R9"]')], [("uk_orders", backfilled, '["R9"]')]]
    assert [[row["sha256"] for row in m["files"]] for m in manifests] == [["abc"], ["def"]]


def test_an_untouched_chain_has_no_problem(company: Any, chain: Path) -> None:
    assert verify(company) == []


@pytest.mark.parametrize("run", RUNS)
def test_an_edited_run_shows(company: Any, chain: Path, run: str) -> None:
    path = chain / run / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"observed": "0"', '"observed": "1"'), encoding="utf-8")
    assert any(run in problem for problem in verify(company))


@pytest.mark.parametrize("run", RUNS)
def test_a_removed_run_shows(company: Any, chain: Path, run: str) -> None:
    shutil.rmtree(chain / run)
    assert any(run in problem for problem in verify(company))


def test_a_run_killed_before_it_moved_the_head_is_no_break(company: Any, chain: Path) -> None:
    head = (chain / "head.json").read_bytes()
    write_evidence(company, "20250702T000000-d", {})
    (chain / "head.json").write_bytes(head)
    assert verify(company) == []


def test_an_auditor_gets_one_zip_of_a_month(company: Any, chain: Path, tmp_path: Path) -> None:
    bundle = export(company, "2025-06", tmp_path / "june.zip")
    with zipfile.ZipFile(bundle) as opened:
        names = set(opened.namelist())
    assert names == {f"evidence/{run}/manifest.json" for run in RUNS[:2]} | {"evidence/head.json"}
    with pytest.raises(EvidenceError, match="2024"):
        export(company, "2024", tmp_path / "none.zip")
