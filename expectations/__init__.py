"""May we trust the numbers: Great Expectations suites over the audit models."""

from expectations.probe import Verdict, held_stores
from expectations.process import prepare, run_checks

__all__ = ["Verdict", "held_stores", "prepare", "run_checks"]
