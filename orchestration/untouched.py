"""Whether the KPI tables would come out as they are: then a run leaves them alone."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

import duckdb

_PENDING = """
select
    exists (select 1 from staging.stg_landing__unread_load)
    or exists (select 1 from intermediate.int_touched_store_day)
    or exists (
        select store_id, as_of_day from intermediate.int_store
        except
        select store_id, as_of_day from state.built_store
    )
"""


def kpi_tables_stand(warehouse: Path, held: Collection[str]) -> bool:
    """Whether no load is unread, no store-day touched, no day has closed and the same stores are held as last time.

    Args:
        warehouse: a DuckDB file whose core has just been built; without one the answer is no.
        held: the stores that this run holds.
    """
    if not warehouse.exists():
        return False
    with contextlib.closing(duckdb.connect(str(warehouse), read_only=True)) as connection:
        try:
            pending = connection.execute(_PENDING).fetchone()
            before = connection.execute("select store_id from state.built_store where is_held").fetchall()
        except duckdb.CatalogException:  # never built whole
            return False
    return pending == (False,) and {row[0] for row in before} == set(held)
