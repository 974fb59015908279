"""Publication on Spark: the database that people query there, and the DuckDB file of the tools beside it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration import warehouse
from orchestration.publish import Published, PublishError
from orchestration.spark_files import write_published

if TYPE_CHECKING:
    from ingestion.company import Company


def publish(company: Company, held: set[str], run_id: str) -> Published:
    """Publish what Spark has built but for new rows of held stores; arguments and errors as in `publish.publish`."""
    at = datetime.now(UTC)
    publication = at.strftime("%Y%m%dT%H%M%S%f")
    problem = warehouse.operate(
        company,
        "publish_on_spark",
        {"publication": publication, "run_id": re.sub(r"[^\w.-]", "", run_id), "held": sorted(held)},
    )
    if problem:
        raise PublishError(f"not published on Spark, the last publication stays: {problem}")
    file = company.root / "data" / "published" / "company.duckdb"
    variables = warehouse.dbt_environment(company.root, company.lake)
    tables = write_published(variables["KPI_SPARK_WAREHOUSE"], variables["KPI_DATABASE"], file, publication)
    return Published(at, tables)
