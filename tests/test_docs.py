"""What the docs point at exists: links, headings, paths of the project, and every key of the configuration."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from ingestion.company.models import OPTIONS, AlertRule, Company, Slack, Source, Store
from ingestion.files import mapping
from ingestion.files.entities import ENTITIES

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TOP = ("ingestion/", "dbt_project/", "expectations/", "orchestration/", "sandbox/", "tests/", "docs/", "benchmarks/")
STARTS = (ROOT, ROOT / "orchestration", ROOT / "dbt_project" / "models")
"""Folders that the docs name paths from."""


def _links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    return [link for link in found if "://" not in link]


def _anchors(page: Path) -> set[str]:
    """Headings as GitHub makes them into anchors."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for link in _links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in _anchors(target), f"{page.name}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_of_the_project_exist(page: Path) -> None:
    spans = re.findall(r"`([\w./\-]+)`", page.read_text("utf-8"))
    for path in spans:
        if path.startswith(TOP):
            assert (ROOT / path).exists(), f"{page.name}: {path}"
        elif re.fullmatch(r"[\w/]+/[\w]+\.(py|sql|yml)", path) and not path.startswith(("company/", "mappings/")):
            assert any((folder / path).exists() for folder in STARTS), f"{page.name}: {path}"


def _keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()} - {"options"}


def test_configuration_names_every_key() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    files = (mapping.Mapping, mapping.Column, mapping.Test, mapping.RowKind)
    models = (Company, Store, Source, AlertRule, Slack, *files)
    keys = set[str]().union(*map(_keys, models), *OPTIONS.values(), *ENTITIES.values())
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", text)] == []
