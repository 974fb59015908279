"""Says where one engine's private SQL slips into a model: `python dbt_project/portable.py`, called by `make check`.

Models are built by DuckDB and by Spark, so what the two spell differently lives in dispatched macros. The rules come
from trying each construct on both engines; docs/scaling.md says how.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MODELS = Path(__file__).resolve().parent / "models"


class Rule(NamedTuple):
    """A construct that one engine lacks or reads differently, and what both read alike."""

    name: str
    pattern: re.Pattern[str]
    instead: str


def _rule(name: str, pattern: str, instead: str) -> Rule:
    return Rule(name, re.compile(pattern, re.IGNORECASE), instead)


def _calls(names: str, instead: str) -> list[Rule]:
    return [_rule(f"{name}()", rf"(?<![\w.]){name}\s*\(", instead) for name in names.split()]


RULES = (
    _rule("varchar or text", r"\bas\s+(varchar|text)\s*\)", "string"),
    _rule("timestamp with time zone", r"\btimestamp\s+with\s+time\s+zone\b|\btimestamptz\b", "{{ moment_type() }}"),
    _rule("hugeint", r"\bu?hugeint\b", "decimal(38, 0)"),
    _rule("* exclude, except or replace", r"\*\s*(exclude|except|replace)\s*\(", "list the columns"),
    _rule("by name", r"\b(union|union\s+all)\s+by\s+name\b", "list the columns"),
    _rule("ignore nulls", r"\bignore\s+nulls\b", "max_by(x, case when x is not null then day end) over (…)"),
    _rule("list or struct literal", r"(?<![\w\])])\[|\{", "unpivot, or a dispatched macro"),
    _rule("->", r"->>?", "{{ json_text(column, key) }}"),
    _rule("//", r"//", "{{ exact_ratio(…) }} or floor(a / b)"),
    _rule("at time zone", r"\bat\s+time\s+zone\b", "{{ local_date(moment, zone) }}"),
    _rule("extract of a weekday", r"\bextract\s*\(\s*(iso)?(dow|dayofweek\w*)\b", "{{ weekday(day) }}"),
    _rule("distinct on", r"\bdistinct\s+on\s*\(", "row_number() in a subquery"),
    _rule("asof join", r"\basof\s+join\b", "a range join and row_number()"),
    _rule("lateral view", r"\blateral\s+view\b", "cross join lateral"),
    _rule("delete or attach", r"^\s*(delete\s+from|attach|detach)\b", "a dispatched macro"),
    _rule("(a, b) in (select (…))", r"\bin\s*\(\s*select\s*\(", "drop the inner parentheses"),
    _rule("double-quoted name", r'"', "a name that needs no quotes"),
    _rule("backtick", r"`", "a name that needs no quotes"),
    *_calls("unnest explode generate_series sequence", "cross join lateral {{ each_day(first, last) }}"),
    *_calls("isodow dayofweek weekday", "{{ weekday(day) }}"),
    *_calls("date_diff datediff", "{{ dbt.datediff(first, second, 'day') }}"),
    *_calls("strftime date_format", "year(), month(), or cast as string"),
    *_calls("timezone from_utc_timestamp convert_timezone", "{{ local_date(moment, zone) }}"),
    *_calls("json_extract_string json_value get_json_object", "{{ json_text(column, key) }}"),
    *_calls("list list_aggregate list_slice list_transform array_agg collect_list", "a self-join by row number"),
    *_calls("struct_pack named_struct", "unpivot, or a dispatched macro"),
    *_calls("arg_min arg_max", "min_by, max_by"),
    *_calls("any_value", "min or max"),
    *_calls("regexp_matches regexp_like starts_with startswith", "like, or regexp_extract(…) <> ''"),
    *_calls("sha256 sha2 hash xxhash64", "md5"),
    *_calls("concat", "|| with coalesce: NULL is dropped by one engine only"),
    *_calls("string_agg listagg", "no order is portable: min, max"),
    *_calls("read_parquet read_csv read_json glob duckdb_tables", "landed(), run_file()"),
)

_COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
_CONFIG = re.compile(r"\{\{\s*config\(.*?\)\s*\}\}$", re.DOTALL | re.MULTILINE)
_JINJA = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_TEXT = re.compile(r"'(?:[^']|'')*'")


def findings(sql: str) -> Iterator[tuple[int, Rule]]:
    """Line (from 1) and rule of each construct that is not portable; comments, texts and Jinja do not count."""
    bare = _CONFIG.sub(_blank, _COMMENT.sub(_blank, sql))
    bare = _TEXT.sub(_blank, _JINJA.sub(_blank, bare))
    for number, line in enumerate(bare.splitlines(), start=1):
        for rule in RULES:
            if rule.pattern.search(line):
                yield number, rule


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def main() -> int:
    """Print each finding as `path:line: construct: what instead`; 1 when there is one."""
    count = 0
    for path in sorted(MODELS.rglob("*.sql")):
        for line, rule in findings(path.read_text(encoding="utf-8")):
            count += 1
            print(f"{path.relative_to(MODELS.parent.parent)}:{line}: {rule.name}: write {rule.instead}")  # noqa: T201
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
