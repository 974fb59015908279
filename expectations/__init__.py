"""May we trust the numbers: Great Expectations suites over the audit models."""

from expectations.checks import run_checks
from expectations.probe import Verdict, held_stores

__all__ = ["Verdict", "held_stores", "run_checks"]
