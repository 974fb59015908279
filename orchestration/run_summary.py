"""What one run did: the object of `kpi run --json`, and what the data alerts are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RunSummary:
    """One run's verdict.

    `sources` has `source_id, system, rows_landed, rows_quarantined, seconds, error` per source that was asked;
    `held` maps a store to `since` (UTC ISO) and `check`; `published_at` is None when nothing was published;
    `errors` are one-line reasons of a failed build, `warnings` what the checks found and published all the same;
    `alerts` counts `opened, recovered, sent`.
    """

    run_id: str
    status: str
    sources: list[dict[str, Any]] = field(default_factory=list)
    build_seconds: float = 0.0
    checks: Mapping[str, int] = field(default_factory=lambda: {"passed": 0, "warned": 0, "failed": 0})
    held: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    published_at: str | None = None
    alerts: Mapping[str, int] = field(default_factory=lambda: {"opened": 0, "recovered": 0, "sent": 0})
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The object that `kpi run --json` prints."""
        return {
            "run_id": self.run_id,
            "status": self.status,
            "sources": {
                source["source_id"]: {key: value for key, value in source.items() if key != "source_id"}
                for source in self.sources
            },
            "build_seconds": self.build_seconds,
            "checks": dict(self.checks),
            "held": {store: dict(why) for store, why in self.held.items()},
            "published_at": self.published_at,
            "alerts": dict(self.alerts),
            "errors": list(self.errors),
            "warnings": list(self.warnings),
        }
