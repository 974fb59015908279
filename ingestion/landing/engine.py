"""Lands sources side by side: finish what a crash left, then extract; a failing one leaves the others alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from ingestion.company import Company, Source
from ingestion.connector import PartlyReadError, Request, Resource, SourceError
from ingestion.landing.archive import FolderArchive
from ingestion.landing.destination import Destination, disk_trouble
from ingestion.landing.lake import last_cursor
from ingestion.landing.package import Package
from ingestion.landing.results import LandOptions, ResourceResult, SourceResult
from ingestion.registry import connect

MAX_WORKERS = 8
REFERENCE = Source.model_validate({"id": "reference", "system": "files"})


def land_all(
    company: Company,
    sources: Sequence[Source],
    options: LandOptions,
    on_result: Callable[[SourceResult], None] = lambda result: None,
) -> list[SourceResult]:
    """Land the company's own files (`reference`), then all `sources` in a thread pool; `on_result` hears of each."""
    first = land(company, REFERENCE, options)
    on_result(first)
    results = {REFERENCE.id: first}
    with ThreadPoolExecutor(max_workers=max(1, min(MAX_WORKERS, len(sources)))) as pool:
        for future in as_completed([pool.submit(land, company, source, options) for source in sources]):
            result = future.result()
            results[result.source_id] = result
            on_result(result)
    return [results[source.id] for source in (REFERENCE, *sources)]


def land(company: Company, source: Source, options: LandOptions) -> SourceResult:
    """Land one source, resource by resource. Never raises for the source's own trouble: `error` says it in one line."""
    begun = time.monotonic()
    resources: list[ResourceResult] = []
    error: str | None = None
    try:
        connector = connect(company, source)
        destination = Destination(company.lake, company.state, source.system, source.id)
        destination.finish_pending()
        for resource in connector.resources:
            if options.resources is None or resource.name in options.resources:
                resources.append(_land_resource(company, source, resource, options, destination))
    except Exception as trouble:
        error = _one_line(trouble)
    error = error or next((f"{r.resource}: {r.error}" for r in resources if r.error), None)
    return SourceResult(
        source_id=source.id,
        system=source.system,
        seconds=time.monotonic() - begun,
        rows_landed=sum(r.rows_landed for r in resources),
        rows_quarantined=sum(r.rows_quarantined for r in resources),
        error=error,
        resources=resources,
    )


def _land_resource(
    company: Company, source: Source, resource: Resource, options: LandOptions, destination: Destination
) -> ResourceResult:
    started = datetime.now(UTC)
    result = ResourceResult(resource.name, options.date_from, options.date_to, 0, 0, started, started, "failed")
    package = Package(resource, company.state / "landing" / source.id / resource.name)
    errors: list[str] = []
    try:
        request = _request(company, source, resource, options)
        try:
            for event in resource.extract(request):
                package.add(event)
        except PartlyReadError as partly:
            errors.append(str(partly))
        result.warnings = package.warnings
        package.check_balance()
        if package.empty:
            result.status = "empty"
        else:
            window = (options.date_from, options.date_to)
            files = package.files(options.run_id, window, started, datetime.now(UTC))
            try:
                result.load_id = destination.load(files)
            except Exception as trouble:
                if not disk_trouble(trouble):
                    destination.discard()
                raise
            result.status = "landed"
            result.rows_landed, result.rows_quarantined = package.rows_landed, package.rows_quarantined
        result.error = "; ".join(errors) or None
    except Exception as trouble:
        result.error = _one_line(trouble)
    finally:
        package.discard()
    result.finished_at = datetime.now(UTC)
    return result


def _request(company: Company, source: Source, resource: Resource, options: LandOptions) -> Request:
    store = company.store(source.store)
    zone = ZoneInfo(store.timezone) if store else UTC
    opened = store.opened_on if store else min(s.opened_on for s in company.stores)
    as_of: date = options.as_of or options.now.astimezone(zone).date()
    return Request(
        as_of_day=as_of,
        open_since=datetime(as_of.year, as_of.month, as_of.day, tzinfo=zone),
        now=options.now,
        first_day=opened,
        date_from=options.date_from,
        date_to=options.date_to,
        cursor=last_cursor(company.lake, source.system, source.id, resource.name),
        archive=FolderArchive(company.archive, source.system, source.id),
    )


def _one_line(error: BaseException) -> str:
    if isinstance(error, SourceError):
        return " ".join(str(error).split())
    disk = disk_trouble(error)
    if disk:
        return disk
    while error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
