"""`kpi query` and `kpi explain` over a small published file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.explain import explain
from orchestration.query import QueryError, query
from orchestration.render import render


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "company.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("""
            create schema core; create schema kpi; create schema audit;
            create table audit.fx_rate as
                select * from (values (date '2026-01-03', 'JPY', 'USD', 0.0065000000, date '2026-01-02', 'ecb'),
                                      (date '2026-01-04', 'JPY', 'USD', 0.0066000000, date '2026-01-04', 'ecb'),
                                      (date '2026-02-01', 'JPY', 'USD', 0.0070000000, date '2026-02-01', 'ecb'))
                t(date, base, quote, rate, rate_date, source);
            create table audit.freshness as
                select * from (values ('us_orders', 'us', date '2026-01-05', 'ok'),
                                      ('jp_orders', 'jp', date '2026-02-01', 'late'))
                t(source_id, store_id, newest_day, verdict);
            create table core.dim_store as
                select * from (values ('us', 'US', 'amazon', 'growth', 'USD', 'west'),
                                      ('jp', 'JP', 'amazon', 'new', 'JPY', 'east'))
                t(store_id, region, platform, stage, currency, org_unit);
            create table core.dim_date as
                select d::date as date, d::date as week_start, date_trunc('month', d)::date as month_start,
                       date_trunc('quarter', d)::date as quarter_start, date_trunc('year', d)::date as year_start
                from generate_series(date '2026-01-01', date '2026-02-28', interval 1 day) t(d);
            create table core.fct_order_line as
                select * from (values
                    ('us', date '2026-01-01', 'us|1', 'a', 'p1', 'tents', 'amazon', 10.1000::decimal(18, 4)),
                    ('us', date '2026-01-01', 'us|1', 'b', 'p2', null, 'amazon', 20.2000),
                    ('jp', date '2026-02-01', 'jp|1', 'a', 'p1', 'tents', 'amazon', 5.0000))
                t(store_id, date, order_key, sku, product_id, category, channel, gmv);
            create table core.fct_refund as
                select store_id, date, order_key, sku, product_id, category, channel, gmv as refunds
                from core.fct_order_line where false;
            create table core.fct_inventory_daily as
                select * from (values ('us', date '2026-01-01', 'a', 'p1', 'tents', 7),
                    ('us', date '2026-01-05', 'a', 'p1', 'tents', 4),
                                      ('jp', date '2026-01-03', 'a', 'p1', 'tents', 2))
                t(store_id, date, sku, product_id, category, on_hand_units);
            create table kpi.kpi_component_daily as
                select store_id, date, 'none' as dim,
                       missing as fct_order_line__missing, state as fct_order_line__state,
                       missing as fct_refund__missing, state as fct_refund__state,
                       month(date) - 1 as fct_inventory_daily__missing, 0 as fct_inventory_daily__state
                from (values ('us', date '2026-01-01', 0, 0), ('us', date '2026-01-02', 0, 0),
                             ('us', date '2026-01-05', 0, 0), ('jp', date '2026-01-03', 0, 0),
                             ('jp', date '2026-02-01', 0, 1), ('jp', date '2026-02-02', 1, 2))
                t(store_id, date, missing, state);
            create table kpi.metric_component as
                select * from (values ('gmv', 'fct_order_line', 'sum', 'gmv'),
                                      ('refunds', 'fct_refund', 'sum', 'refunds'),
                                      ('orders', 'fct_order_line', 'count_distinct', 'order_key'),
                                      ('on_hand_units', 'fct_inventory_daily', 'last', 'on_hand_units'))
                t(component, fact, agg, expr);
            create table kpi.metric_catalog as
                select metric, metric as name_en, metric as name_zh, 'what it means' as description,
                       expression as formula,
                       'currency' as unit, if(metric = 'profit', 'propagate', 'partial') as null_policy,
                       'daily_rate' as currency_policy,
                       'finance' as owner,
                       1 as version, date '2026-01-01' as effective_from, expression
                from (values ('gmv', 'gmv'), ('net', '(gmv) - (refunds)'), ('orders', 'orders'),
                             ('on_hand_units', 'on_hand_units'), ('profit', 'gmv'),
                             ('aov', 'cast(gmv as double) / nullif(orders, 0)')) t(metric, expression);
            create table kpi.kpi_values as
                select 'gmv' as metric, 'month' as grain, date '2026-01-01' as period_start, scope_type, scope_id,
                       30.3::double as value, null::double as numerator, null::double as denominator,
                       'USD' as currency, 'settled' as status, date '2026-01-31' as as_of
                from (values ('company', 'company'), ('store', 'us')) t(scope_type, scope_id);
        """)
    yield path


def test_an_order_of_two_lines_counts_once_and_money_adds_up(published: Path) -> None:
    frame = query(published, ["gmv", "orders", "aov"], by=["store_id"])
    assert json.loads(render(frame, "json")) == [
        {"store_id": "jp", "gmv": 5.0, "orders": 1, "aov": 5.0, "status": "stale"},
        {"store_id": "us", "gmv": 30.3, "orders": 1, "aov": 30.3, "status": "settled"},
    ]


def test_no_refund_where_refunds_are_covered_is_zero(published: Path) -> None:
    assert float(query(published, ["net"])["net"][0]) == pytest.approx(35.3)


def test_what_nobody_said_is_unknown_in_its_own_group_only(published: Path) -> None:
    frame = query(published, ["gmv", "profit"], by=["store_id"], grain="day", date_from=date(2026, 1, 2))
    rows = [(str(row["period_start"])[:10], row["store_id"], row["gmv"], row["profit"], row["status"])
            for row in json.loads(render(frame, "json"))]  # fmt: skip
    assert rows == [
        ("2026-01-02", "us", 0.0, 0.0, "settled"),
        ("2026-01-03", "jp", 0.0, 0.0, "settled"),
        ("2026-01-05", "us", 0.0, 0.0, "settled"),
        ("2026-02-01", "jp", 5.0, 5.0, "provisional"),
        ("2026-02-02", "jp", None, None, "stale"),
    ]


def test_a_partial_metric_sums_what_is_known_and_a_propagating_one_is_unknown(published: Path) -> None:
    frame = query(published, ["gmv", "profit"], where=["store_id = jp"], date_from=date(2026, 2, 1))
    assert json.loads(render(frame, "json")) == [{"gmv": 5.0, "profit": None, "status": "stale"}]


def test_a_balance_takes_each_stores_last_day_of_the_period(published: Path) -> None:
    frame = query(published, ["on_hand_units"], grain="month")
    assert [row["on_hand_units"] for row in json.loads(render(frame, "json"))] == [6.0, None]


def test_a_line_without_category_stays_visible(published: Path) -> None:
    frame = query(published, ["gmv"], by=["category"], where=["region = US"])
    assert frame["category"].tolist() == ["tents", "unallocated"]


def test_both_ends_of_the_window_are_included(published: Path) -> None:
    frame = query(published, ["gmv"], date_from=date(2026, 2, 1), date_to=date(2026, 2, 1))
    assert float(frame["gmv"][0]) == 5.0


@pytest.mark.parametrize(
    ("metrics", "by", "where", "message"),
    [
        (["gmw"], [], [], "did you mean gmv"),
        (["gmv"], ["regoin"], [], "did you mean region"),
        (["gmv"], [], ["region US"], "dimension = value"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(
    published: Path, metrics: list[str], by: list[str], where: list[str], message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        query(published, metrics, by=by, where=where)


def test_explain_names_formula_inputs_and_version(published: Path) -> None:
    told = explain(published, "gmv", period="2026-01")
    assert "version 1" in told
    assert "gmv = 30.3000: sum(gmv) of core.fct_order_line" in told
    assert "30.3000 USD" in told


def test_explain_names_the_exchange_rates_of_the_period_only(published: Path) -> None:
    told = explain(published, "gmv", period="2026-01")
    assert "1 JPY = 0.0065000000 to 0.0066000000 USD, each day's own (2 days, ecb)" in told


def test_explain_of_a_store_speaks_of_its_own_sources_and_currency(published: Path) -> None:
    told = explain(published, "gmv", scope="us", period="2026-01")
    assert "us_orders (us): newest day 2026-01-05, ok" in told
    assert "jp_orders" not in told and "JPY" not in told


@pytest.mark.parametrize("period", ["2026-13", "2026-02-30", "last month"])
def test_explain_of_a_period_that_does_not_exist_says_so(published: Path, period: str) -> None:
    with pytest.raises(QueryError, match=f"period {period}"):
        explain(published, "gmv", period=period)


def test_a_store_dimension_with_an_unknown_value_is_answered_with_the_nearest(published: Path) -> None:
    with pytest.raises(QueryError, match="no region is called USA; did you mean US"):
        query(published, ["gmv"], where=["region = USA"])
