"""Which version of the dbt project the warehouse was built by: after a change it is built anew, row for row."""

from __future__ import annotations

import hashlib
from pathlib import Path

from orchestration.warehouse import PROJECT_DIR

FOLDERS = ("models", "macros", "seeds")


def built_by_others(state_dir: Path) -> bool:
    """Whether the last whole build was made by other definitions than today's; False before the first."""
    mark = _mark(state_dir)
    return mark.exists() and mark.read_text(encoding="utf-8") != fingerprint()


def remember(state_dir: Path) -> None:
    """Keep that today's definitions have built the warehouse whole."""
    mark = _mark(state_dir)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(fingerprint(), encoding="utf-8")


def _mark(state_dir: Path) -> Path:
    return state_dir / "dbt" / "built_with.sha256"


def fingerprint() -> str:
    """A hash of what the dbt project says, whatever its files' place and time."""
    content = hashlib.sha256()
    files = [path for folder in FOLDERS for path in (PROJECT_DIR / folder).rglob("*") if path.is_file()]
    for path in sorted([*files, PROJECT_DIR / "dbt_project.yml"]):
        content.update(path.relative_to(PROJECT_DIR).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()
