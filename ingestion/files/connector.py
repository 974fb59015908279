"""Lands an inbox: new content once, whatever its name; unreadable files are named, the others land."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TypeVar

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.company import Company, Source
from ingestion.company.secrets import pseudonym_key
from ingestion.connector import (
    Connector,
    Covered,
    Drift,
    Event,
    FileLanded,
    Notice,
    PartlyReadError,
    Quarantined,
    Request,
    Resource,
    Rows,
    SourceError,
)
from ingestion.files.batch import Records
from ingestion.files.blanked import KeptCopy
from ingestion.files.encoding import UnreadableFileError
from ingestion.files.entities import lake_schema
from ingestion.files.inbox import Dropped, fresh, listed, settle
from ingestion.files.mapping import Mapping, load_mapping
from ingestion.files.records import read_records
from ingestion.files.typed import Context, Typing, workbench
from ingestion.landing.lake import read_table

_Item = TypeVar("_Item")


def connect(company: Company, source: Source) -> Connector:
    """The connector of one inbox; its only resource is called like the entity that the mapping feeds."""
    mapping = load_mapping(company.root, str(source.mapping))
    inbox = _Inbox(company, source, mapping)
    schema = lake_schema(mapping.entity, list(mapping.attributes))
    resource = Resource(mapping.entity, {mapping.entity: schema}, inbox.extract)
    return Connector([resource], inbox.check)


class _Inbox:
    def __init__(self, company: Company, source: Source, mapping: Mapping) -> None:
        self._company, self._source, self._mapping = company, source, mapping
        self._folder = company.inbox(source.id)
        store = company.store(source.store)
        self._zone = mapping.timezone or (store.timezone if store else "UTC")
        self._currency = mapping.currency or (store.currency if store else None)

    def check(self) -> str:
        """How many files wait. Raises SourceError when the inbox is not there."""
        return f"{len(listed(self._folder))} files in {self._folder}"

    def extract(self, request: Request) -> Iterator[Event]:
        """Rows, quarantine and evidence of every new file; raises PartlyReadError at the end for unreadable ones."""
        found, unreadable = fresh(self._folder, self._landed())
        settled, growing = settle(found)
        yield from (Notice(f"{name} is still being written; it waits for the next run") for name in growing)
        key, made = pseudonym_key(self._company.root) if self._mapping.pseudonyms else (b"", None)
        if made:
            yield Notice(made)
        days = self._days_landed({dropped.name for dropped in settled}) if settled else {}
        covered: set[date] = set()
        con = workbench()
        for dropped in settled:
            own: set[date] = set()
            try:
                yield from self._file(con, dropped, key, days, own, request)
            except UnreadableFileError as error:
                unreadable.append(f"{dropped.name}: {error}")
                yield Quarantined(self._mapping.entity, dropped.name, 0, str(error))
                continue
            days |= dict.fromkeys(own, dropped.name)
            covered |= own
        if covered:
            yield Covered(self._source.id, sorted(covered))
        if unreadable:
            rest = f"; and {len(unreadable) - 5} more" if unreadable[5:] else ""
            raise PartlyReadError("; ".join(unreadable[:5]) + rest)

    def _file(
        self,
        con: duckdb.DuckDBPyConnection,
        dropped: Dropped,
        key: bytes,
        days: dict[date, str],
        own: set[date],
        request: Request,
    ) -> Iterator[Event]:
        """Events of one file, whose days go to `own`. Raises UnreadableFileError only before the first event."""
        mapping, entity = self._mapping, self._mapping.entity
        if mapping.on_overlap == "quarantine":
            self._refuse_overlap(con, dropped, key, days)
        records = read_records(dropped.path, mapping, self._zone)
        typing = self._typing(con, dropped, key, records)
        yield from (Drift(entity, column, "string") for column in typing.unknown)
        typed = ((batch, *typing.rows(batch)) for batch in _ahead(records.batches))
        rows_in = landed = quarantined = 0
        with KeptCopy(request.archive, dropped, records.header, mapping.personal()) as copy:
            for batch, rows, unfit in _ahead(typed):
                bad = sorted(batch.bad + unfit)
                yield from (Quarantined(entity, dropped.name, line, reason) for line, reason in bad)
                if rows.num_rows:
                    yield Rows(entity, rows)
                copy.add(batch)
                own |= _business_days(rows)
                rows_in += batch.cells.num_rows + len(batch.bad)
                landed, quarantined = landed + rows.num_rows, quarantined + len(bad)
            archived = copy.keep()
        if not dropped.unchanged():
            raise SourceError(f"{dropped.name} changed while it was read; nothing of this load is kept, run again")
        overlap = sorted(day for day in own if day in days)
        if overlap:
            does = "replaces" if mapping.on_overlap == "replace_day" else "adds to"
            yield Notice(f"{dropped.name} {does} {overlap[0]}, which {days[overlap[0]]} has landed already")
        yield FileLanded(dropped.name, archived, rows_in, landed, quarantined)

    def _refuse_overlap(
        self, con: duckdb.DuckDBPyConnection, dropped: Dropped, key: bytes, days: dict[date, str]
    ) -> None:
        """Reads the file once before: whether it may land is known only at its end."""
        records = read_records(dropped.path, self._mapping, self._zone)
        typing = self._typing(con, dropped, key, records)
        for batch in _ahead(records.batches):
            for day in sorted(_business_days(typing.rows(batch)[0])):
                if day in days:
                    raise UnreadableFileError(f"covers {day}, which {days[day]} has landed already")

    def _typing(self, con: duckdb.DuckDBPyConnection, dropped: Dropped, key: bytes, records: Records) -> Typing:
        context = Context(str(self._source.mapping), dropped.name, dropped.sha256, self._zone, self._currency, key)
        return Typing(con, records.header, self._mapping, context)

    def _landed(self) -> set[str]:
        """Content hashes in visible loads."""
        files = read_table(self._company.lake, "files", self._source.id, "meta_file", "_load_id, sha256")
        return set(files["sha256"].to_pylist()) if files is not None else set()

    def _days_landed(self, replaced: set[str]) -> dict[date, str]:
        entity = self._mapping.entity
        if entity == "product_cost":
            return {}
        rows = read_table(
            self._company.lake,
            "files",
            self._source.id,
            entity,
            "distinct on (business_date, file_name) business_date, file_name, _load_id",
        )
        if rows is None:
            return {}
        return {r["business_date"]: r["file_name"] for r in rows.to_pylist() if r["file_name"] not in replaced}


def _business_days(rows: pa.Table) -> set[date]:
    if "business_date" not in rows.column_names:
        return set()
    return {day for day in pc.unique(rows["business_date"]).to_pylist() if day is not None}


def _ahead(items: Iterator[_Item]) -> Iterator[_Item]:
    """The same items, each made while the one before it is used."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
