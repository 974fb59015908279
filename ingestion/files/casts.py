"""The SQL that types text, and that says of which kind a row is."""

from __future__ import annotations

import pyarrow as pa

from ingestion.files.entities import COUNT, DAY, MOMENT, MONEY
from ingestion.files.mapping import RowKind

KIND_NAMES = {MONEY: "a number", COUNT: "a whole number", DAY: "a date", MOMENT: "a time"}
"""The types that are not text, in words."""
_MONEY = "coalesce(try_cast(digits as decimal(18, 9)), try_cast(digits as decimal(20, 9)))"  # 64 bits are far faster
_COUNT = "case when regexp_full_match(digits, '[-+]?[0-9]+([.]0*)?') then try_cast(digits as bigint) end"
_DAY_FORMAT, _MOMENT_FORMAT = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"


def cast(kind: pa.DataType, declared: str | None, decimal_mark: str, zone: str) -> str:
    """Query over `distinct_texts`: each text, its `value` and, where it is a moment in `zone`, its local `day`.

    What does not fit is NULL. `declared` is a strptime format.
    """
    if kind in (MONEY, COUNT):
        return f"select text, {_MONEY if kind == MONEY else _COUNT} as value from ({_numbers(decimal_mark)})"
    # Spreadsheets and Parquet hold real dates, which arrive in ISO whatever the text format is.
    usual = [_DAY_FORMAT, _MOMENT_FORMAT] if kind == DAY else [_MOMENT_FORMAT, _DAY_FORMAT]
    formats = dict.fromkeys([declared, *usual] if declared else usual)
    local = f"coalesce({', '.join(f'try_strptime(text, {quoted(form)})' for form in formats)})"
    if kind == DAY:
        return f"select text, {local}::date as value from distinct_texts"
    return (
        f"select text, timezone({quoted(zone)}, local) as value, local::date as day "
        f"from (select text, {local} as local from distinct_texts)"
    )


def _numbers(mark: str) -> str:
    """Digits with a point. A separator that does not part thousands makes the text no number: 1,5 is not 15."""
    group = "," if mark == "." else "."
    shape = f"[-+]?[0-9]{{1,3}}([{group}][0-9]{{2,3}})*[{group}][0-9]{{3}}([{mark}][0-9]*)?"
    plain, grouped = "text", f"replace(text, '{group}', '')"
    if mark == ",":
        plain, grouped = "replace(text, ',', '.')", f"replace({grouped}, ',', '.')"
    return (
        f"select text, case when not contains(text, '{group}') then {plain} "
        f"when regexp_full_match(text, '{shape}') then {grouped} end as digits from distinct_texts"
    )


def row_kind(rules: list[RowKind], found: set[str]) -> str:
    """Expression over typed fields; a rule on a field that is not in `found` fits no row."""
    cases = []
    for rule in rules:
        if not found.issuperset(rule.when):
            continue
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
