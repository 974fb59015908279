"""The lint that keeps one engine's private SQL out of the models."""

from __future__ import annotations

import pytest

from dbt_project.portable import findings


@pytest.mark.parametrize(
    ("sql", "construct"),
    [
        ("select cast(null as varchar) as a", "varchar or text"),
        ("select cast(a as timestamp with time zone)", "timestamp with time zone"),
        ("select * exclude (a) from b", "* exclude, except or replace"),
        ("select b.* replace (1 as a) from b", "* exclude, except or replace"),
        ("select a union all by name select b", "by name"),
        ("select last_value(a ignore nulls) over w", "ignore nulls"),
        ("select [a, b] as c", "list or struct literal"),
        ("select {'a': 1} as c", "list or struct literal"),
        ("select a ->> 'k'", "->"),
        ("select a // b", "//"),
        ("select unnest({{ anything(a) }}) as b", "unnest()"),
        ("select isodow(a)", "isodow()"),
        ("select a from b where (c, d) in (select (c, d) from e)", "(a, b) in (select (…))"),
        ('select "a"', "double-quoted name"),
    ],
)
def test_private_construct_is_named_with_its_line(sql: str, construct: str) -> None:
    assert [(line, rule.name) for line, rule in findings(f"-- first\n{sql}\n")] == [(2, construct)]


@pytest.mark.parametrize(
    "sql",
    [
        "-- unnest(a) is not for Spark\nselect a",
        "{# hugeint #} select a",
        "select 'varchar ->> hash(' as a",
        "{% set grains = ['day', 'week'] %}select {{ local_date('a', \"'UTC'\") }}",
        "select sum(a) filter (where b) over (partition by c order by d nulls last) as e group by all",
        "select a from b unpivot include nulls ((x, y) for n in ((c, d), (e, f)))",
        "select a.hash, list.name from a cross join list",
    ],
)
def test_portable_sql_comments_texts_and_jinja_pass(sql: str) -> None:
    assert list(findings(sql)) == []
