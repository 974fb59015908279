"""The SQL that types text: one expression a field, and the reason why a row does not fit."""

from __future__ import annotations

import pyarrow as pa

from ingestion.files.entities import COUNT, DAY, ENTITIES, MOMENT, MONEY
from ingestion.files.mapping import Mapping, RowKind

_KIND_NAMES = {MONEY: "a number", COUNT: "a whole number", DAY: "a date", MOMENT: "a time"}
_DAY_FORMAT, _MOMENT_FORMAT = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"


def typed_columns(mapping: Mapping, found: set[str]) -> str:
    """`select` over `raw` (row_number and one text column per found field): each field typed, and as `_raw_<field>`."""
    fields, types = sorted(found), ENTITIES[mapping.entity]
    raw = ", ".join(["row_number", *(f"""nullif("{name}", '') as "_raw_{name}\"""" for name in fields)])
    typed = ", ".join(
        f'{_expression(name, types.get(name) if name in mapping.columns else None, mapping)} as "{name}"'
        for name in fields
    )
    return f"select *, {typed} from (select {raw} from raw)"


def _expression(name: str, kind: pa.DataType | None, mapping: Mapping) -> str:
    column = f'"_raw_{name}"'
    if kind in (MONEY, COUNT):
        number = _number(column, mapping.decimal_mark)
        if kind == COUNT:
            return f"case when regexp_full_match({number}, '[-+]?[0-9]+([.]0*)?') then try_cast({number} as bigint) end"
        # Parsing into 64 bits takes a tenth of the time, and nearly all amounts fit.
        return f"coalesce(try_cast({number} as decimal(18, 9)), try_cast({number} as decimal(20, 9)))"
    if kind in (DAY, MOMENT):
        # Spreadsheets and Parquet hold real dates, which arrive in ISO whatever the text format is.
        declared = mapping.columns[name].format or (_DAY_FORMAT if kind == DAY else _MOMENT_FORMAT)
        formats = dict.fromkeys([declared, _MOMENT_FORMAT, _DAY_FORMAT])
        parsed = f"coalesce({', '.join(f'try_strptime({column}, {quoted(f)})' for f in formats)})"
        return f"{parsed}::date" if kind == DAY else parsed
    return column


def _number(column: str, mark: str) -> str:
    """Digits with a point. A separator that does not part thousands makes the text no number: 1,5 is not 15."""
    group = "," if mark == "." else "."
    shape = f"[-+]?[0-9]{{1,3}}([{group}][0-9]{{2,3}})*[{group}][0-9]{{3}}([{mark}][0-9]*)?"
    plain = column if mark == "." else f"replace({column}, ',', '.')"
    grouped = f"replace({column}, '{group}', '')"
    if mark == ",":
        grouped = f"replace({grouped}, ',', '.')"
    return (
        f"case when not contains({column}, '{group}') then {plain} "
        f"when regexp_full_match({column}, '{shape}') then {grouped} end"
    )


def reason_of(mapping: Mapping, found: set[str]) -> str:
    """Why a row does not fit, NULL where it does; never a value."""
    cases = []
    for name, column in mapping.columns.items():
        if name not in found:
            continue
        kind = ENTITIES[mapping.entity][name]
        if kind in _KIND_NAMES:
            says = quoted(f"{column.names[0]} is not {_KIND_NAMES[kind]}")
            cases.append(f'when "_raw_{name}" is not null and "{name}" is null then {says}')
        if column.required:
            cases.append(f'when "_raw_{name}" is null then {quoted(f"{column.names[0]} is empty")}')
    return f"case {' '.join(cases)} end" if cases else "null::varchar"


def projection(mapping: Mapping, found: set[str], schema: pa.Schema, zone: str) -> str:
    """The lake's columns over `typed_columns`; parameters: $name and $hash of the file, $currency."""
    special = {
        "file_name": "$name",
        "file_hash": "$hash",
        "row_number": "row_number",
        "replaces_day": str(mapping.on_overlap == "replace_day").lower(),
        "row_kind": _row_kind(mapping.row_kinds, found),
        "currency": 'coalesce("currency", $currency)' if "currency" in found else "$currency",
    }
    parts = []
    for field in schema:
        name = field.name
        if name in special:
            expression = special[name]
        elif field.type == MOMENT and name in found:
            expression = f'timezone({quoted(zone)}, "{name}")'
        elif name in found:
            expression = f'"{name}"'
        elif name == "business_date" and "occurred_at" in found:
            expression = '"occurred_at"::date'
        elif name in mapping.constants:
            expression = quoted(mapping.constants[name])
        else:
            expression = "null"
        parts.append(f'({expression}) as "{name}"')
    if "currency" not in schema.names:
        parts.append("$currency as _unused")
    return ", ".join(parts)


def _row_kind(rules: list[RowKind], found: set[str]) -> str:
    cases = []
    for rule in rules:
        if not found.issuperset(rule.when):
            continue  # a field that the file does not have fits no test
        tests = []
        for name, test in rule.when.items():
            if test.starts_with is not None:
                tests.append(f'starts_with("{name}", {quoted(test.starts_with)})')
            if test.equals is not None:
                tests.append(f'"{name}"::varchar = {quoted(test.equals)}')
            if test.at_most is not None:
                tests.append(f'"{name}" <= {test.at_most}')
        cases.append(f"when {' and '.join(tests) or 'false'} then '{rule.kind}'")
    return f"case {' '.join(cases)} else 'sale' end" if cases else "'sale'"


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
