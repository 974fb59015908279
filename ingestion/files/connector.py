"""Lands an inbox: new content once, whatever its name; unreadable files are named, the others land."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

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
from ingestion.files.entities import lake_schema
from ingestion.files.mapping import Mapping, load_mapping
from ingestion.files.records import Records, UnreadableFileError, read_records
from ingestion.files.typed import Context, Typed, to_typed, workbench
from ingestion.landing.lake import read_table

SETTLE_SECONDS = 1.0
wait: Callable[[float], None] = time.sleep


def connect(company: Company, source: Source) -> Connector:
    """The connector of one inbox; its only resource is called like the entity that the mapping feeds."""
    mapping = load_mapping(company.root, str(source.mapping))
    inbox = _Inbox(company, source, mapping)
    schema = lake_schema(mapping.entity, list(mapping.attributes))
    resource = Resource(mapping.entity, {mapping.entity: schema}, inbox.extract)
    return Connector([resource], inbox.check)


@dataclass(frozen=True)
class _Dropped:
    path: Path
    name: str
    content: bytes
    sha256: str
    stamp: tuple[int, int]


class _Inbox:
    def __init__(self, company: Company, source: Source, mapping: Mapping) -> None:
        self._company, self._source, self._mapping = company, source, mapping
        self._folder = company.inbox(source.id)

    def check(self) -> str:
        """How many files wait. Raises SourceError when the inbox is not there."""
        return f"{len(self._listed())} files in {self._folder}"

    def _listed(self) -> list[Path]:
        if not self._folder.is_dir():
            raise SourceError(f"no inbox {self._folder}: create it and drop files there")
        return sorted(p for p in self._folder.rglob("*") if p.is_file() and not p.name.startswith((".", "~$")))

    def extract(self, request: Request) -> Iterator[Event]:
        """Rows, quarantine and evidence of every new file; raises PartlyReadError at the end for unreadable ones."""
        fresh, unreadable = self._fresh(self._landed())
        settled, growing = _settle(fresh)
        yield from (Notice(f"{name} is still being written; it waits for the next run") for name in growing)
        key, made = pseudonym_key(self._company.root) if self._mapping.pseudonyms else (b"", None)
        if made:
            yield Notice(made)
        days: dict[date, str] = self._days_landed({d.name for d in settled})
        covered: set[date] = set()
        con = workbench()
        for dropped in settled:
            try:
                records = read_records(dropped.path, dropped.content, self._mapping)
                typed = to_typed(con, records, self._mapping, self._context(dropped, key))
            except UnreadableFileError as error:
                unreadable.append(f"{dropped.name}: {error}")
                yield Quarantined(self._mapping.entity, dropped.name, 0, str(error))
                continue
            own = _business_days(typed)
            overlap = sorted(day for day in own if day in days)
            if overlap and self._mapping.on_overlap == "quarantine":
                unreadable.append(f"{dropped.name}: covers {overlap[0]}, which {days[overlap[0]]} has landed already")
                yield Quarantined(self._mapping.entity, dropped.name, 0, "covers days that another file has landed")
                continue
            if overlap:
                yield Notice(f"{dropped.name} adds to {overlap[0]}, which {days[overlap[0]]} has landed already")
            days |= dict.fromkeys(own, dropped.name)
            covered |= own
            yield from self._events(dropped, records, typed, request)
        if covered:
            yield Covered(self._source.id, sorted(covered))
        if unreadable:
            raise PartlyReadError(
                "; ".join(unreadable[:5]) + (f"; and {len(unreadable) - 5} more" if unreadable[5:] else "")
            )

    def _events(self, dropped: _Dropped, records: Records, typed: Typed, request: Request) -> Iterator[Event]:
        entity, personal = self._mapping.entity, {name.casefold() for name in self._mapping.personal()}
        bad = sorted(records.bad + typed.bad)
        copy = _blanked(records, personal) if personal & {h.casefold() for h in records.header} else dropped.content
        yield from (Drift(entity, column, "string") for column in typed.unknown)
        yield from (Quarantined(entity, dropped.name, line, reason) for line, reason in bad)
        if typed.rows.num_rows:
            yield Rows(entity, typed.rows)
        archived = request.archive(dropped.name, copy, original_sha256=dropped.sha256)
        rows_in = len(records.rows) + len(records.bad)
        yield FileLanded(dropped.name, archived, rows_in, typed.rows.num_rows, len(bad))

    def _context(self, dropped: _Dropped, key: bytes) -> Context:
        store = self._company.store(self._source.store)
        return Context(
            dropped.name, dropped.sha256, store.timezone if store else "UTC", store.currency if store else None, key
        )

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

    def _fresh(self, seen: set[str]) -> tuple[list[_Dropped], list[str]]:
        """Files whose content no visible load holds, and one line for each that cannot be opened."""
        fresh, unreadable, taken = [], [], set(seen)
        for path in self._listed():
            name = path.relative_to(self._folder).as_posix()
            try:
                status, content = path.stat(), path.read_bytes()
            except OSError as error:
                unreadable.append(f"{name}: cannot be read ({error.strerror}); mend its permissions")
                continue
            sha = hashlib.sha256(content).hexdigest()
            if sha not in taken:
                taken.add(sha)
                fresh.append(_Dropped(path, name, content, sha, (status.st_size, status.st_mtime_ns)))
        return fresh, unreadable


def _settle(fresh: list[_Dropped]) -> tuple[list[_Dropped], list[str]]:
    """One wait for all files; those that changed during it are named instead."""
    if not fresh:
        return [], []
    wait(SETTLE_SECONDS)
    settled, growing = [], []
    for dropped in fresh:
        try:
            status = dropped.path.stat()
            same = (status.st_size, status.st_mtime_ns) == dropped.stamp
        except OSError:
            same = False
        if same:
            settled.append(dropped)
        else:
            growing.append(dropped.name)
    return settled, growing


def _business_days(typed: Typed) -> set[date]:
    if "business_date" not in typed.rows.column_names:
        return set()
    return {day for day in pc.unique(typed.rows["business_date"]).to_pylist() if day is not None}


def _blanked(records: Records, personal: set[str]) -> bytes:
    """The records as CSV, personal columns empty; a line that could not be read is left out, it may hold anything."""
    hidden = {position for position, name in enumerate(records.header) if name.casefold() in personal}
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(records.header)
    writer.writerows([None if i in hidden else cell for i, cell in enumerate(row)] for row in records.rows)
    return out.getvalue().encode()
