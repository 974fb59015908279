"""From records of text to typed rows: casts run vectorised in DuckDB, money never passes through a float."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from ingestion.files.entities import COUNT, DAY, ENTITIES, MOMENT, MONEY, lake_schema
from ingestion.files.mapping import Column, Mapping, RowKind
from ingestion.files.records import Records, UnreadableFileError

_KIND_NAMES = {MONEY: "a number", COUNT: "a whole number", DAY: "a date", MOMENT: "a time"}


@dataclass(frozen=True)
class Context:
    """What the file does not say itself: its name and hash, the store's zone and currency, the pseudonym key."""

    file_name: str
    file_hash: str
    timezone: str
    currency: str | None
    key: bytes


@dataclass(frozen=True)
class Typed:
    """Rows in the lake schema, (line, reason) of those that don't fit, and headers the mapping doesn't know."""

    rows: pa.Table
    bad: list[tuple[int, str]]
    unknown: list[str]


def workbench() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory for `to_typed`; one serves all files of a run: opening it costs more than a small file."""
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    return con


def to_typed(con: duckdb.DuckDBPyConnection, records: Records, mapping: Mapping, context: Context) -> Typed:
    """Type the records of one file. Raises UnreadableFileError when a required header is absent."""
    places = _places(records.header, mapping)
    data: dict[str, pa.Array] = {"row_number": pa.array(records.lines, pa.int64())}
    for name, position in places.items():
        values = [row[position] for row in records.rows]
        if name in mapping.pseudonyms:
            values = _pseudonyms(values, context.key)
        data[name] = pa.array(values, pa.string())
    raw = pa.table(data)
    schema = lake_schema(mapping.entity, list(mapping.attributes))
    reason, cast = _reason(mapping, places), _cast(mapping, places)
    columns = _projection(mapping, places, schema, context)
    con.register("raw", raw)
    con.execute(f"create or replace temp table typed as select *, {reason} as _reason from ({cast})")
    con.unregister("raw")
    bad = con.execute("select row_number, _reason from typed where _reason is not null").fetchall()
    rows = con.execute(
        f"select {columns} from typed where _reason is null order by row_number",
        {"name": context.file_name, "hash": context.file_hash, "currency": mapping.currency or context.currency},
    ).to_arrow_table()
    known = {name.casefold() for column in _all_columns(mapping).values() for name in column.names}
    known |= {name.casefold() for name in mapping.drop}
    return Typed(
        rows.select(schema.names).cast(schema),
        [(int(n), r) for n, r in bad],
        [h for h in records.header if h.casefold() not in known],
    )


def _all_columns(mapping: Mapping) -> dict[str, Column]:
    return mapping.columns | mapping.attributes | mapping.pseudonyms


def _places(header: list[str], mapping: Mapping) -> dict[str, int]:
    folded = {name.casefold(): position for position, name in reversed(list(enumerate(header)))}
    places: dict[str, int] = {}
    for field, column in _all_columns(mapping).items():
        found = [folded[name.casefold()] for name in column.names if name.casefold() in folded]
        if found:
            places[field] = found[0]
        elif column.required:
            raise UnreadableFileError(f"no column {' or '.join(column.names)}, which the mapping requires")
    return places


def _pseudonyms(values: list[str | None], key: bytes) -> list[str | None]:
    known: dict[str | None, str | None] = {None: None}
    for value in set(values) - {None}:
        known[value] = hmac.new(key, str(value).encode(), hashlib.sha256).hexdigest()
    return [known[value] for value in values]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _cast(mapping: Mapping, places: dict[str, int]) -> str:
    parts = ["row_number"]
    types = ENTITIES[mapping.entity]
    for name in places:
        kind = types.get(name) if name in mapping.columns else None
        parts += [f'{name} as "_raw_{name}"', f'{_expression(name, kind, mapping)} as "{name}"']
    return f"select {', '.join(parts)} from raw"


def _expression(name: str, kind: pa.DataType | None, mapping: Mapping) -> str:
    if kind in (MONEY, COUNT):
        group = "," if mapping.decimal_mark == "." else "."
        number = f"replace({name}, {_quoted(group)}, '')"
        if mapping.decimal_mark == ",":
            number = f"replace({number}, ',', '.')"
        if kind == MONEY:
            return f"try_cast({number} as decimal(20, 9))"
        return f"case when regexp_full_match({number}, '[-+]?[0-9]+([.]0*)?') then try_cast({number} as bigint) end"
    if kind in (DAY, MOMENT):
        default = "%Y-%m-%d" if kind == DAY else "%Y-%m-%d %H:%M:%S"
        # Spreadsheets and Parquet hold real dates, which arrive in ISO whatever the text format is.
        formats = [mapping.columns[name].format or default, "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"]
        parsed = f"try_strptime({name}, [{', '.join(_quoted(f) for f in dict.fromkeys(formats))}])"
        return f"{parsed}::date" if kind == DAY else parsed
    return name


def _reason(mapping: Mapping, places: dict[str, int]) -> str:
    cases = []
    for name, column in mapping.columns.items():
        if name not in places:
            continue
        kind = ENTITIES[mapping.entity][name]
        if kind in _KIND_NAMES:
            says = _quoted(f"{column.names[0]} is not {_KIND_NAMES[kind]}")
            cases.append(f'when "_raw_{name}" is not null and "{name}" is null then {says}')
        if column.required:
            cases.append(f'when "_raw_{name}" is null then {_quoted(f"{column.names[0]} is empty")}')
    return f"case {' '.join(cases)} end" if cases else "null::varchar"


def _projection(mapping: Mapping, places: dict[str, int], schema: pa.Schema, context: Context) -> str:
    zone = _quoted(mapping.timezone or context.timezone)
    special = {"file_name": "$name", "file_hash": "$hash", "row_number": "row_number"}
    parts = []
    for field in schema:
        name = field.name
        if name in special:
            expression = special[name]
        elif name == "row_kind":
            expression = _row_kind(mapping.row_kinds)
        elif name == "currency":
            expression = "coalesce(currency, $currency)" if name in places else "$currency"
        elif field.type == MOMENT and name in places:
            expression = f"timezone({zone}, {name})"
        elif name == "business_date" and name not in places and "occurred_at" in places:
            expression = "occurred_at::date"
        elif name in places:
            expression = f'"{name}"'
        elif name in mapping.constants:
            expression = _quoted(mapping.constants[name])
        else:
            expression = "null"
        parts.append(f'({expression}) as "{name}"')
    if "currency" not in schema.names:
        parts.append("$currency as _unused")
    return ", ".join(parts)


def _row_kind(rules: list[RowKind]) -> str:
    cases = []
    for rule in rules:
        tests = []
        for name, test in rule.when.items():
            if test.starts_with is not None:
                tests.append(f"starts_with({name}, {_quoted(test.starts_with)})")
            if test.equals is not None:
                tests.append(f"{name}::varchar = {_quoted(test.equals)}")
            if test.at_most is not None:
                tests.append(f"{name} <= {test.at_most}")
        cases.append(f"when {' and '.join(tests) or 'false'} then '{rule.kind}'")
    return f"case {' '.join(cases)} else 'sale' end" if cases else "'sale'"
