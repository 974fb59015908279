"""Where the company folder is, for Dagster processes that get no command line: `$KPI_COMPANY`, else `./company`."""

from __future__ import annotations

import os
from pathlib import Path

from ingestion.company import Company, load_company


def company_root() -> Path:
    """The configured company folder, which need not exist."""
    return Path(os.environ.get("KPI_COMPANY", "company")).resolve()


def configured_company() -> Company | None:
    """The company, or None where there is no folder yet. Raises CompanyError when it is wrong."""
    root = company_root()
    return load_company(root) if (root / "company.yml").exists() else None
