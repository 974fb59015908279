"""What one run tells the next step: small files in `data/state/run/`, read by dbt and by the steps after it.

Files and not dbt variables, because a changed variable makes dbt parse the whole project again.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO


@dataclass(frozen=True)
class RunContext:
    """Identity and clock of one run. `as_of` is the first open store-local day, None for today in each store's zone."""

    run_id: str
    started_at: datetime
    as_of: date | None
    full_refresh: bool


def _write(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text("".join(json.dumps(line, default=str) + "\n" for line in lines), encoding="utf-8")
    temporary.replace(path)


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _drop_torn_line(journal: BinaryIO) -> None:
    """A kill or a full disk may have cut the last line short; left there, no later build could read the file."""
    journal.seek(0)
    content = journal.read()
    journal.truncate(content.rfind(b"\n") + 1)


class RunState:
    """The files of `data/state/run/`."""

    def __init__(self, state_dir: Path) -> None:
        self._dir = state_dir / "run"

    def start(self, as_of: date | None, full_refresh: bool) -> RunContext:
        """Write the context of a new run; whoever was held stays held until the checks of this run have spoken."""
        started_at = datetime.now(UTC)
        run_id = f"{started_at:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
        context = RunContext(run_id, started_at, as_of, full_refresh)
        _write(
            self._dir / "context.jsonl",
            [{"run_id": run_id, "started_at": started_at.isoformat(), "as_of": as_of, "full_refresh": full_refresh}],
        )
        _write(self._dir / "steps.jsonl", [])
        return context

    def context(self) -> RunContext:
        """The run under way. Raises RuntimeError when no run was started in this company folder."""
        lines = _read(self._dir / "context.jsonl")
        if not lines:
            raise RuntimeError("no run was started in this company folder; start with `kpi run`")
        line = lines[0]
        return RunContext(
            line["run_id"],
            datetime.fromisoformat(line["started_at"]),
            date.fromisoformat(line["as_of"]) if line["as_of"] else None,
            bool(line["full_refresh"]),
        )

    def run_id(self) -> str | None:
        """The newest run that began, None before the first."""
        lines = _read(self._dir / "context.jsonl")
        return str(lines[0]["run_id"]) if lines else None

    def journal_loads(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows of `audit.load`; a failed load never reaches the lake, so this journal is its only trace."""
        path = self._dir / "loads.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as journal:
            _drop_torn_line(journal)
            journal.write("".join(json.dumps(row, default=str) + "\n" for row in rows).encode())
            journal.flush()
            os.fsync(journal.fileno())

    def held(self) -> dict[str, dict[str, Any]]:
        """Held stores with `since` and `check`."""
        return {line["store_id"]: line for line in _read(self._dir / "held.jsonl")}

    def hold(self, checks_by_store: Mapping[str, list[str]], now: datetime) -> None:
        """Replace the held stores; one that was held before keeps its first `since`."""
        before = self.held()
        _write(
            self._dir / "held.jsonl",
            [
                {
                    "store_id": store_id,
                    "since": before.get(store_id, {}).get("since", now.isoformat()),
                    "check": ", ".join(checks),
                }
                for store_id, checks in sorted(checks_by_store.items())
            ],
        )

    def record(self, step: str, facts: Mapping[str, Any]) -> None:
        """Keep what a step found, for the summary at the end."""
        with (self._dir / "steps.jsonl").open("a", encoding="utf-8") as steps:
            steps.write(json.dumps({"step": step, **facts}, default=str) + "\n")

    def recorded(self, step: str) -> dict[str, Any] | None:
        """The last facts of a step of this run, None where it did not get that far."""
        found = [line for line in _read(self._dir / "steps.jsonl") if line["step"] == step]
        return found[-1] if found else None
