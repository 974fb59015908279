"""Evidence of each run: `data/evidence/<run>/manifest.json`, chained so that a removed or edited run shows.

A manifest carries the SHA-256 of the manifest before it, and `data/evidence/head.json` the SHA-256 of the newest one.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import subprocess
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.landing import REFERENCE
from ingestion.landing.lake import read_table
from orchestration.publish import table_fingerprints

if TYPE_CHECKING:
    from ingestion.company import Company

PACKAGES = ("crossborder-kpi", "dlt", "dbt-core", "dbt-duckdb", "duckdb", "great_expectations", "dagster")


class EvidenceError(Exception):
    """Evidence could not be written or exported; the message says what to do."""


def write_evidence(company: Company, run_id: str, facts: Mapping[str, Any]) -> Path:
    """Write the manifest of one run and return its path.

    Args:
        company: whose lake and published file are described.
        run_id: names the folder; run ids sort as time.
        facts: what the steps found, JSON-able: `sources`, `verdicts`, `build_failures`, `held`, `published_at`, ... (no
            personal data).

    Raises:
        EvidenceError: the disk refused.
    """
    data = company.root / "data"
    evidence = data / "evidence"
    published = data / "published" / "company.duckdb"
    before = [path for path in _manifests(evidence) if path.parent.name != run_id]
    manifest = {
        "run_id": run_id,
        "written_at": datetime.now(UTC).isoformat(),
        "git_commit": _git_commit(),
        "versions": _versions(),
        "previous": {"run_id": before[-1].parent.name, "sha256": _sha256(before[-1])} if before else None,
        **facts,
        **_landed(company, _read(before[-1])["written_at"] if before else None),
        "published_file_sha256": _sha256(published) if published.exists() else None,
        "published_tables": {
            label: {"rows": rows, "content_hash": content}
            for label, (rows, content) in (table_fingerprints(published) if published.exists() else {}).items()
        },
    }
    path = evidence / run_id / "manifest.json"
    try:
        _write(path, manifest)
        _write(evidence / "head.json", {"run_id": run_id, "sha256": _sha256(path)})
    except OSError as error:
        raise EvidenceError(f"{path}: not written: {error}. Look at the free disk space, then run again") from error
    return path


def newest(company: Company) -> dict[str, Any] | None:
    """The manifest of the newest run that has one, None before the first."""
    manifests = _manifests(company.root / "data" / "evidence")
    return _read(manifests[-1]) if manifests else None


def verify(company: Company) -> list[str]:
    """Walk the chain and return what is wrong with it, one line each; an empty list is a whole chain."""
    evidence = company.root / "data" / "evidence"
    problems: list[str] = []
    before: Path | None = None
    manifests = _manifests(evidence)
    last: dict[str, Any] = {}
    for path in manifests:
        run = path.parent.name
        last = _read(path)
        if last.get("run_id") != run:
            problems.append(f"{run}: its manifest is unreadable or belongs to another run")
        previous = last.get("previous") or {}
        if before is None:
            if previous:
                problems.append(f"{run}: the run before it, {previous.get('run_id')}, is missing")
        elif previous.get("run_id") != before.parent.name:
            problems.append(f"{run}: follows {previous.get('run_id')}, but {before.parent.name} stands before it")
        elif previous.get("sha256") != _sha256(before):
            problems.append(f"{before.parent.name}: was changed after {run} had recorded it")
        before = path
    return problems + _verify_head(_read(evidence / "head.json"), manifests, last)


def _verify_head(head: dict[str, Any], manifests: list[Path], last: dict[str, Any]) -> list[str]:
    if not manifests:
        return [f"{head['run_id']}: its manifest is missing"] if "run_id" in head else []
    newest = manifests[-1].parent.name
    if head.get("run_id") == newest:
        return [] if head.get("sha256") == _sha256(manifests[-1]) else [f"{newest}: was changed after it was written"]
    # Killed between manifest and head: the newest manifest then names the head as the run before it.
    if head == (last.get("previous") or {}):
        return []
    return [f"{head.get('run_id', 'head.json')}: is missing, or is not the run that {newest} follows"]


def export(company: Company, period: str, target: Path) -> Path:
    """Write one ZIP with the evidence of a period's runs, and return its path.

    Args:
        period: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, by the UTC time at which the runs started.
        target: the ZIP to write.

    Raises:
        EvidenceError: no run of that period has evidence.
    """
    data = company.root / "data"
    prefix = period.replace("-", "")
    runs = [path.parent for path in _manifests(data / "evidence") if path.parent.name.startswith(prefix)]
    if not runs:
        raise EvidenceError(f"{period}: no run of this period has evidence in {data / 'evidence'}")
    quality = data / "quality" / "index.html"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for run in runs:
            for file in sorted(path for path in run.rglob("*") if path.is_file()):
                bundle.write(file, str(file.relative_to(data)))
        for file in (data / "evidence" / "head.json", quality):
            if file.exists():
                bundle.write(file, str(file.relative_to(data)))
    return target


def _landed(company: Company, since: str | None) -> dict[str, list[dict[str, Any]]]:
    """Every load since the manifest before, back-fills too, with its window and report ids, and the files it read."""
    after = str(datetime.fromisoformat(since).timestamp()) if since else ""
    found: dict[str, list[dict[str, Any]]] = {"loads": [], "files": []}
    for source in (REFERENCE, *company.sources):
        for name, table in (("loads", "meta_load"), ("files", "meta_file")):
            rows = read_table(company.lake, source.system, source.id, table, after=after)
            for row in rows.to_pylist() if rows is not None else ():
                known = {key: value for key, value in row.items() if not key.startswith("_")}
                found[name].append({"source_id": source.id, "load_id": row["_load_id"], **known})
    return found


def _git_commit() -> str | None:
    try:
        ended = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git the user has
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return ended.stdout.strip() or None


def _versions() -> dict[str, str]:
    installed = {d.name: d.version for d in importlib.metadata.distributions() if d.name in PACKAGES}
    return dict(sorted(installed.items()))


def _manifests(evidence: Path) -> list[Path]:
    return sorted(evidence.glob("*/manifest.json"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, ensure_ascii=False, default=str)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
