"""The asset graph from landing to Slack: thin wrappers that call the pipeline's steps in order."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, build_dbt_asset_specs

from expectations import Verdict
from expectations.suites import all_suites
from ingestion.company import Company
from ingestion.landing import SourceResult
from ingestion.registry import resource_names
from orchestration.company_location import company_root, configured_company
from orchestration.instance import free_abandoned_runs
from orchestration.lock import hold_for_process
from orchestration.pipeline import Pipeline, RunOptions
from orchestration.warehouse import EVERYTHING, KPI

WAREHOUSE_POOL = "warehouse"
REFERENCE_SOURCE = "reference"

TELL_STEP = "tell"  # the last step, which fails a run whose sources failed

VERDICT = dg.AssetKey(["quality", "verdict"])
PUBLISHED = dg.AssetKey(["published", "company"])
TOLD = dg.AssetKey(["slack", "alerts"])
# By the first part of an asset's key. Dagster lists groups by name, so the number is the order of a run.
GROUPS = {
    "lake": "1_landing",
    "staging": "2_staging",
    "intermediate": "3_intermediate",
    "core": "4_core",
    "audit": "5_audit",
    "quality": "6_quality",
    "kpi": "7_kpi",
    "state": "7_kpi",  # what a whole build was made of, written at its end
    "published": "8_published",
    "slack": "9_slack",
}


class RunConfig(dg.Config):
    """What a launch asks for: ISO dates, store-local, both ends included; empty means `kpi run` without options."""

    date_from: str | None = None
    date_to: str | None = None
    as_of: str | None = None
    full_refresh: bool = False

    def options(self, sources: Sequence[str]) -> RunOptions:
        def day(text: str | None) -> date | None:
            return date.fromisoformat(text) if text else None

        return RunOptions(sources, day(self.date_from), day(self.date_to), day(self.as_of), self.full_refresh)


def _pipeline(context: dg.AssetExecutionContext) -> Pipeline:
    """The company's pipeline, under the lock that `kpi run` takes, too."""
    company = configured_company()
    if company is None:
        raise dg.Failure(f"no company.yml in {company_root()}; run `kpi init` or set KPI_COMPANY")
    pipeline = Pipeline(company)
    hold_for_process(pipeline.data_dir / "state")
    abandoned = free_abandoned_runs(context.instance, alive=context.run.run_id)
    if abandoned:
        context.log.info(f"{abandoned} earlier run ended without a word; its work is taken over")
    return pipeline


def landing_key(source_id: str, resource: str) -> dg.AssetKey:
    """Asset key of one landed resource."""
    return dg.AssetKey(["lake", source_id, resource])


def landed_source(key: dg.AssetKey) -> str | None:
    """The source that lands this asset, None for an asset of a later step."""
    return key.path[1] if key.path[0] == "lake" else None


def landing_specs(company: Company | None) -> list[dg.AssetSpec]:
    """One spec per configured source and resource, and the reference tables, which every company has."""
    specs = [
        dg.AssetSpec(
            landing_key(REFERENCE_SOURCE, "reference"),
            group_name=GROUPS["lake"],
            kinds={"dlt", "parquet"},
            description="company.yml, alerts.yml and reference/*.csv, landed again when they change.",
        )
    ]
    for source in company.sources if company else ():
        specs += [
            dg.AssetSpec(
                landing_key(source.id, resource),
                group_name=GROUPS["lake"],
                kinds={"dlt", "parquet"},
                description=f"{resource} of {source.id} ({source.system}), append-only in the lake.",
            )
            for resource in resource_names(source)
        ]
    return specs


def landing_assets(company: Company | None) -> dg.AssetsDefinition:
    """All sources in one step, side by side in a thread pool; a failing one yields a failed check and stops nothing."""
    specs = landing_specs(company)

    @dg.multi_asset(
        name="land",
        specs=specs,
        check_specs=[dg.AssetCheckSpec("landed", asset=spec.key) for spec in specs],
        can_subset=True,
    )
    def land(context: dg.AssetExecutionContext, config: RunConfig) -> Iterator[Any]:
        pipeline = _pipeline(context)
        chosen = sorted({key.path[1] for key in context.selected_asset_keys} - {REFERENCE_SOURCE})
        options = config.options(chosen)
        pipeline.start(options)

        def say(result: SourceResult) -> None:
            (context.log.error if result.error else context.log.info)(_landed_line(result))

        results = {r.source_id: r for r in pipeline.land(options, say)}
        for key in sorted(context.selected_asset_keys, key=str):
            result = results.get(key.path[1])
            resource = next((r for r in result.resources if r.resource == key.path[2]), None) if result else None
            error = (resource.error if resource else None) or (result.error if result else "the source was not reached")
            rows = resource.rows_landed if resource else (result.rows_landed if result else 0)
            yield dg.MaterializeResult(
                asset_key=key,
                metadata={"rows_landed": rows, **({"error": error} if error else {})},
                check_results=[
                    dg.AssetCheckResult(
                        passed=not error, asset_key=key, check_name="landed", metadata={"error": error} if error else {}
                    )
                ],
            )

    return land


def _landed_line(result: SourceResult) -> str:
    if result.error:
        return f"{result.source_id}: failed: {result.error}"
    quarantined = f", {result.rows_quarantined} quarantined" if result.rows_quarantined else ""
    return f"{result.source_id}: {result.rows_landed} rows landed{quarantined} in {result.seconds:.1f} s"


class _Translator(DagsterDbtTranslator):
    """Names dbt models by schema and table, and groups them by layer."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey(["lake_table", dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey(
            [dbt_resource_props["schema"], dbt_resource_props.get("alias") or dbt_resource_props["name"]]
        )

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return GROUPS.get(dbt_resource_props["schema"])  # None for a source, which is no asset here

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        owner = dbt_resource_props.get("config", {}).get("meta", {}).get("owner")
        return [f"team:{owner}"] if owner else None


def _warehouse_specs(manifest: Path, select: str, exclude: str, deps: Sequence[dg.AssetKey]) -> list[dg.AssetSpec]:
    """dbt models as specs; what reads the lake depends on everything that lands, since landing is one step."""
    specs = []
    for spec in build_dbt_asset_specs(
        manifest=manifest, dagster_dbt_translator=_Translator(), select=select, exclude=exclude
    ):
        inside = [dep for dep in spec.deps if dep.asset_key.path[0] != "lake_table"]
        reads_lake = len(inside) < len(list(spec.deps)) or not inside
        specs.append(spec.replace_attributes(deps=[*inside, *(deps if reads_lake else ())]))
    by_key = {spec.key: spec for spec in specs}
    edges = {spec.key: {dep.asset_key for dep in spec.deps} & set(by_key) for spec in specs}
    # Dagster wants a step's assets yielded in the order of their dependencies
    return [by_key[key] for key in TopologicalSorter(edges).static_order()]


def warehouse_assets(company: Company | None, manifest: Path) -> list[dg.AssetsDefinition]:
    """Core and audit models, the verdict between them, and the KPI models on accepted rows."""
    landed = [spec.key for spec in landing_specs(company)]
    core_specs = _warehouse_specs(manifest, " ".join(EVERYTHING), " ".join(KPI), landed)
    kpi_specs = _warehouse_specs(manifest, " ".join(KPI), "", [VERDICT])
    kpi_specs = [s.replace_attributes(deps=[*s.deps, VERDICT]) if VERDICT not in {d.asset_key for d in s.deps} else s
                 for s in kpi_specs]  # fmt: skip
    judged = [spec.key for spec in core_specs if spec.key.path[0] in ("audit", "core")]

    @dg.multi_asset(name="build_core", specs=core_specs, pool=WAREHOUSE_POOL)
    def build_core(context: dg.AssetExecutionContext) -> Iterator[Any]:
        result = _pipeline(context).build_core()
        for failure in result.failures:
            context.log.error(failure)
        for spec in core_specs:
            yield dg.MaterializeResult(asset_key=spec.key, metadata={"failures": len(result.failures)})

    @dg.multi_asset(
        name="check_quality",
        specs=[
            dg.AssetSpec(
                VERDICT, deps=judged, group_name=GROUPS["quality"], kinds={"python"},
                description="Which stores may be published: Great Expectations over the audit models.",
            )
        ],
        check_specs=[
            *[dg.AssetCheckSpec(suite.name, asset=VERDICT, description=suite.asks) for suite in all_suites()],
            dg.AssetCheckSpec(
                "nothing_held", asset=VERDICT,
                description="Is every store published, or does one keep its last good rows because a gate held it?",
            ),
        ],
    )  # fmt: skip
    def check_quality(context: dg.AssetExecutionContext) -> Iterator[Any]:
        from orchestration.warehouse import BuildResult

        pipeline = _pipeline(context)
        facts = pipeline.state.recorded("build_core") or {"seconds": 0.0, "failures": ["core was not built"]}
        facts.pop("step", None)
        verdicts = pipeline.check(BuildResult(**facts))
        held = pipeline.state.held()
        yield dg.MaterializeResult(
            asset_key=VERDICT,
            metadata={"checks": len(verdicts), "held": sorted(held)},
            check_results=[_suite_result(s.name, [v for v in verdicts if v.suite == s.name]) for s in all_suites()]
            + [dg.AssetCheckResult(passed=not held, check_name="nothing_held", metadata={"held": sorted(held)})],
        )

    @dg.multi_asset(name="build_kpi", specs=kpi_specs, pool=WAREHOUSE_POOL)
    def build_kpi(context: dg.AssetExecutionContext) -> Iterator[Any]:
        pipeline = _pipeline(context)
        core = pipeline.state.recorded("build_core")
        failures = (
            ["core failed, see the step before"] if not core or core["failures"] else pipeline.build_kpi().failures
        )
        for failure in failures:
            context.log.error(failure)
        for spec in kpi_specs:
            yield dg.MaterializeResult(asset_key=spec.key, metadata={"failures": len(failures)})

    return [build_core, check_quality, build_kpi]


def _suite_result(suite: str, verdicts: Sequence[Verdict]) -> dg.AssetCheckResult:
    broken = [v for v in verdicts if not v.passed]
    failed = any(v.severity == "fail" for v in broken)
    return dg.AssetCheckResult(
        check_name=suite,
        passed=bool(verdicts) and not broken,
        severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
        metadata={f"{v.check} {v.store_id or ''}".strip(): v.observed for v in broken},
    )


def publishing_assets(kpi_keys: Sequence[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """The published file, and the messages that tell about it."""

    @dg.multi_asset(
        name="publish",
        specs=[
            dg.AssetSpec(
                PUBLISHED, deps=list(kpi_keys), group_name=GROUPS["published"], kinds={"duckdb"},
                description="The file that people query: data/published/company.duckdb.",
            )
        ],
    )  # fmt: skip
    def publish(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        pipeline = _pipeline(context)
        try:
            facts = pipeline.publish()
        finally:
            pipeline.prove()
        if facts is None:
            context.log.error("nothing was published: the build failed, the last published file stays")
            return dg.MaterializeResult(metadata={"published": False})
        return dg.MaterializeResult(metadata={"published": True, "tables": len(facts["tables"])})

    @dg.multi_asset(
        name=TELL_STEP,
        specs=[
            dg.AssetSpec(
                TOLD, deps=[PUBLISHED], group_name=GROUPS["slack"], kinds={"slack"},
                description="Breaches and data problems, sent to Slack; the run fails where a source failed.",
            )
        ],
    )  # fmt: skip
    def tell(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        summary = _pipeline(context).tell()
        if summary.status == "failed":
            raise dg.Failure("; ".join(f"{s['source_id']}: {s['error']}" for s in summary.sources if s["error"])
                             or "the build failed; see the steps before", allow_retries=False)  # fmt: skip
        return dg.MaterializeResult(metadata={"status": summary.status, "sent": summary.alerts.get("sent", 0)})

    return [publish, tell]
