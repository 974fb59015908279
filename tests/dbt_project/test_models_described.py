"""Each model says what it is and whose it is, in YAML beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.dbt_project.lake import PROJECT

MODELS = PROJECT / "models"


def described() -> dict[Path, dict[str, Any]]:
    """What YAML says of each model, by the path of the SQL file that should stand beside it."""
    found: dict[Path, dict[str, Any]] = {}
    for path in MODELS.rglob("*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            found[path.parent / f"{model['name']}.sql"] = model
    return found


def test_every_model_has_a_description_and_an_owner_beside_it_and_no_description_is_left_over() -> None:
    models = described()
    assert set(MODELS.rglob("*.sql")) == models.keys()
    assert [path.name for path, model in models.items() if not model.get("description")] == []
    assert [path.name for path, model in models.items() if not model["config"]["meta"].get("owner")] == []


def test_core_and_kpi_tables_have_a_contract() -> None:
    published = {
        path: model
        for path, model in described().items()
        if path.parent.name in ("core", "kpi") and "schema='state'" not in path.read_text(encoding="utf-8")
    }
    assert [path.name for path, model in published.items() if not model["config"].get("contract")] == []
    assert len(published) >= 16
