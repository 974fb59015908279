"""Run the suites: aggregate in DuckDB, judge by Great Expectations, keep the pages that an auditor opens."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import duckdb

from expectations.pages import prune, write_landing_page
from expectations.probe import EVERY_STORE, Probe, Suite, Verdict, severity_of
from expectations.suites import all_suites

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.data_context.store.store import DataDocsSiteConfigTypedDict

RUNS_KEPT = 20


def load() -> ModuleType:
    """Great Expectations, imported when it is needed, for it takes seconds."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read at import; it would otherwise call home
    import great_expectations

    return great_expectations


def run_checks(warehouse: Path, quality_dir: Path, run_id: str) -> list[Verdict]:
    """Judge a built warehouse and write the Data Docs site.

    Args:
        warehouse: the DuckDB file; opened read-only, so nobody may be writing to it.
        quality_dir: receives `index.html` (last verdicts) and `docs/` (Data Docs of the last runs).
        run_id: names the run on the pages.

    Returns:
        One verdict per check and store. A probe whose query can't run is a failed `fail` verdict of no store.
    """
    suites = all_suites()
    measured: dict[str, list[tuple[Probe, pd.DataFrame]]] = {}
    verdicts: list[Verdict] = []
    with contextlib.closing(duckdb.connect(str(warehouse), read_only=True)) as connection:
        for suite in suites:
            for probe in suite.probes:
                try:
                    measured.setdefault(suite.name, []).append((probe, _measure(connection, probe)))
                except (duckdb.Error, ValueError) as error:
                    verdicts.append(_unmeasured(suite, probe, error))
    docs = quality_dir / "docs"
    verdicts += _judge(suites, measured, docs, run_id)
    prune(docs, RUNS_KEPT)
    write_landing_page(quality_dir, run_id, suites, verdicts)
    return verdicts


def _measure(connection: duckdb.DuckDBPyConnection, probe: Probe) -> pd.DataFrame:
    frame = connection.execute(
        f"SELECT check_name, coalesce(store_id, '{EVERY_STORE}') AS store_id, value::DOUBLE AS value "
        f"FROM ({probe.query}) ORDER BY ALL"
    ).df()
    if frame["value"].isna().any():
        raise ValueError("the query gave NULL as a value; a measure is a number")
    for name in frame["check_name"].unique():
        severity_of(str(name))
    return frame


def _unmeasured(suite: Suite, probe: Probe, error: Exception) -> Verdict:
    reason = str(error).strip().splitlines()[0][:300]
    return Verdict(
        f"fail_{suite.name}_can_be_measured", suite.name, "fail", None, False, f"{probe.asset}: {reason}", probe.asset
    )


def _judge(
    suites: list[Suite], measured: dict[str, list[tuple[Probe, pd.DataFrame]]], docs: Path, run_id: str
) -> list[Verdict]:
    gx = load()
    import pandas as pd
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.row_conditions import Column

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.add_data_docs_site(site_name="quality", site_config=_site(docs))
    source = context.data_sources.add_pandas("warehouse")
    run = RunIdentifier(run_name=run_id)
    verdicts: list[Verdict] = []
    for suite in suites:
        # One frame and one validation per suite: its rows are told apart by probe, check and store.
        probes = measured.get(suite.name, [])
        frames = [frame.assign(probe=number) for number, (_, frame) in enumerate(probes) if not frame.empty]
        if not frames:
            continue
        rows = pd.concat(frames, ignore_index=True)
        expected = gx.ExpectationSuite(suite.name)
        for number, check, store in rows[["probe", "check_name", "store_id"]].drop_duplicates().itertuples(index=False):
            probe = probes[number][0]
            expected.add_expectation(
                ExpectColumnValuesToBeBetween(
                    column="value",
                    min_value=probe.minimum,
                    max_value=probe.maximum,
                    row_condition=(Column("check_name") == check)
                    & (Column("store_id") == store)
                    & (Column("probe") == number),
                    severity=FailureSeverity.CRITICAL if severity_of(check) == "fail" else FailureSeverity.WARNING,
                    notes=f"**{check}** · {store or 'all stores'}: {probe.says}",
                    meta={"check": check, "store_id": store, "probe": number},
                )
            )
        batch = source.add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe("aggregates")
        validation = context.validation_definitions.add(
            gx.ValidationDefinition(name=suite.name, data=batch, suite=context.suites.add(expected))
        )
        result = validation.run(batch_parameters={"dataframe": rows}, result_format="SUMMARY", run_id=run)
        verdicts += [_verdict(suite, probes, one) for one in result.results]
    context.build_data_docs()
    return verdicts


def _verdict(suite: Suite, probes: list[tuple[Probe, pd.DataFrame]], result: Any) -> Verdict:
    meta = result.expectation_config.meta
    probe, frame = probes[meta["probe"]]
    check, store = str(meta["check"]), str(meta["store_id"])
    values = frame[(frame["check_name"] == check) & (frame["store_id"] == store)]["value"]
    if result.exception_info.get("raised_exception"):
        observed = f"not judged: {result.exception_info.get('exception_message')}"
    else:
        observed = f"{values.max():g}, wanted {probe.minimum:g} to {probe.maximum:g}"
    return Verdict(check, suite.name, severity_of(check), store or None, bool(result.success), observed, probe.asset)


def _site(docs: Path) -> DataDocsSiteConfigTypedDict:
    return {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())},
    }
