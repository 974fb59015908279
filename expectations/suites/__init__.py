"""The suites. Each module of this package that defines `SUITE` is one; adding a suite is adding a file."""

from __future__ import annotations

import importlib
import pkgutil

from expectations.probe import Suite


def all_suites() -> list[Suite]:
    """Every suite of this package, by name."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return sorted((module.SUITE for module in modules), key=lambda suite: suite.name)
