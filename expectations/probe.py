"""What a suite is made of: probes, each one small aggregate query and the bounds that its values must keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["fail", "warn"]

EVERY_STORE = ""


@dataclass(frozen=True)
class Probe:
    """One query over the warehouse whose rows are judged.

    Args:
        asset: the model that a reader would open to look further, as `schema.table`.
        says: what holds when the values are within bounds, in one line.
        query: SQL giving `check_name` (begins with `fail_` or `warn_`), `store_id` (NULL: no store owns it) and
            `value` (a number, never NULL), aggregated so far that no row is about one person or order.
        minimum, maximum: bounds of `value`, both included.
    """

    asset: str
    says: str
    query: str
    minimum: float = 0.0
    maximum: float = 0.0


@dataclass(frozen=True)
class Suite:
    """Probes that answer one question of an auditor."""

    name: str
    asks: str
    probes: tuple[Probe, ...]


@dataclass(frozen=True)
class Verdict:
    """One check on one store. `store_id` None means that no store owns it, so a failure holds everything."""

    check: str
    suite: str
    severity: Severity
    store_id: str | None
    passed: bool
    observed: str
    asset: str


def severity_of(check: str) -> Severity:
    """The severity that a check's name states. Raises ValueError for a name that states none."""
    if check.startswith("fail_"):
        return "fail"
    if check.startswith("warn_"):
        return "warn"
    raise ValueError(f"check {check!r}: its name must begin with fail_ or warn_")


def held_stores(verdicts: list[Verdict], stores: list[str]) -> dict[str, list[str]]:
    """The stores that may not be published, each with the failed checks that hold it.

    Args:
        verdicts: what `run_checks` returned.
        stores: every configured store; a failure that no store owns holds them all.
    """
    held: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.passed or verdict.severity != "fail":
            continue
        for store in stores if verdict.store_id is None else [verdict.store_id]:
            if verdict.check not in held.setdefault(store, []):
                held[store].append(verdict.check)
    return held
