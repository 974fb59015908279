"""Every published number of the sandbox company equals its ledger, on the first run and after restatement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from orchestration import query
from sandbox.catalogue import STORES
from sandbox.ledger import POSTED, Ledger
from sandbox.platforms.control import world_time
from tests.e2e import truth
from tests.e2e.conftest import AS_OF, LATER, Run, ServedSandbox
from tests.e2e.truth import ADS, STOCK, Row, StoreDay

pytestmark = pytest.mark.slow

SNAPSHOTS = {AS_OF: [AS_OF], LATER: [AS_OF, LATER]}
KEYS = ("date", "store_id", "platform", "region", "currency", "status")


@pytest.fixture(params=["first_run", "second_run"])
def run(request: pytest.FixtureRequest) -> Run:
    """The run before and the one after restatement."""
    found: Run = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def expected(served_sandbox: ServedSandbox, run: Run) -> dict[StoreDay, Row]:
    return truth.store_days(served_sandbox.world, run.as_of, SNAPSHOTS[run.as_of])


def rows_of(run: Run, sql: str) -> list[Row]:
    with duckdb.connect(str(run.published), read_only=True) as published:
        cursor = published.execute(sql)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def units_of(run: Run) -> dict[str, str]:
    return {row["metric"]: row["unit"] for row in rows_of(run, "select metric, unit from kpi.metric_catalog")}


def differs(told: Any, true: Any, tolerance: Decimal) -> bool:
    if told is None or true is None:
        return told is not true
    return abs(Decimal(str(told)) - Decimal(true)) > tolerance


def exactness(metric: str, unit: str) -> Decimal:
    """Money and counts are exact; a quotient is a double or rounded to four places, demand to six."""
    if metric in ("aov", "cpc"):
        return Decimal("0.00005")
    if metric == "days_of_cover":
        return Decimal("0.0001")
    if metric == "demand_30d":
        return Decimal("0.00001")
    return Decimal(0) if unit in ("currency", "count") else Decimal("1e-9")


def test_every_run_publishes_without_an_error(run: Run) -> None:
    assert (run.summary.status, run.summary.errors, run.summary.checks["failed"]) == ("published", [], 0)
    assert [source["error"] for source in run.summary.sources if source["error"]] == []


def test_every_metric_of_every_store_and_day_is_the_ledgers_to_the_last_place(
    run: Run, expected: dict[StoreDay, Row]
) -> None:
    told = {(row["store_id"], row["date"]): row for row in rows_of(run, "from kpi.kpi_daily")}
    assert set(told) == set(expected)
    units = units_of(run)
    assert set(next(iter(told.values()))) == set(units) | set(KEYS)
    wrong = [
        (key, metric, row[metric], expected[key][metric])
        for key, row in told.items()
        for metric, unit in units.items()
        if differs(row[metric], expected[key][metric], exactness(metric, unit))
    ]
    assert wrong == []


def test_facts_add_up_to_the_ledger_in_the_stores_own_currency(run: Run, served_sandbox: ServedSandbox) -> None:
    ledger = Ledger(served_sandbox.world).daily(run.as_of + timedelta(days=1), world_time(run.as_of))
    true = {(row["store_id"], row["date"]): row for row in ledger}
    names = {
        "fct_order_line": ("gmv", "discounts"),
        "fct_refund": ("refunds",),
        "fct_ad_daily": ("ad_spend", "ad_sales"),
    }
    told: dict[tuple[StoreDay, str], Decimal] = defaultdict(Decimal)
    for fact, amounts in names.items():
        for name in amounts:
            sql = f"select store_id, date, sum({name}_native) as amount from core.{fact} group by all"
            told |= {((row["store_id"], row["date"]), name): row["amount"] for row in rows_of(run, sql)}
    sql = "select store_id, date, component, sum(amount_native) as amount from core.fct_ledger_entry group by all"
    told |= {((row["store_id"], row["date"]), row["component"]): row["amount"] for row in rows_of(run, sql)}
    wrong = []
    for key, row in true.items():
        for name in ("gmv", "discounts", "refunds", *POSTED, *(("ad_spend", "ad_sales") if key[1] < run.as_of else ())):
            if told[key, name] != row[f"{name}_native"]:
                wrong.append((key, name, told[key, name], row[f"{name}_native"]))
    assert wrong == []
    currencies = {
        row["store_id"]: row["currency"]
        for row in rows_of(run, "select distinct store_id, currency from core.fct_order_line")
    }
    assert currencies == {store.id: store.currency for store in STORES}


def periods(day: date) -> Iterator[tuple[str, date]]:
    """The week (from Monday), month, quarter and year that a day belongs to."""
    yield "week", day - timedelta(days=day.weekday())
    yield "month", day.replace(day=1)
    yield "quarter", day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    yield "year", day.replace(month=1, day=1)


def test_longer_periods_and_wider_scopes_are_sums_and_ratios_of_sums(run: Run, expected: dict[StoreDay, Row]) -> None:
    regions = {store.id: store.region for store in STORES}
    members: dict[tuple[str, date, str, str], list[Row]] = defaultdict(list)
    for (store_id, day), row in expected.items():
        for grain, start in (("day", day), *periods(day)):
            for scope in (
                ("store", store_id),
                ("region", regions[store_id]),
                ("company", "company"),
                ("platform", "amazon"),
            ):
                members[grain, start, *scope].append(row)
    sql = "from kpi.kpi_values where scope_type in ('company', 'region', 'platform', 'store')"
    found = {
        (row["grain"], row["period_start"], row["scope_type"], row["scope_id"], row["metric"]): row
        for row in rows_of(run, sql)
    }
    units = units_of(run)
    assert {key[:4] for key in found} == set(members)
    wrong = []
    for scope, rows in members.items():
        true = truth.summed(rows)
        for metric in units:
            value = found[*scope, metric]["value"]
            tolerance = max(abs(Decimal(true[metric] or 0)) * Decimal("1e-6"), Decimal("1e-6"))
            if differs(value, true[metric], tolerance):
                wrong.append((scope, metric, value, true[metric]))
    assert wrong == []
    for key, row in found.items():
        if row["denominator"] is not None and row["numerator"] is not None:
            quotient = row["numerator"] / row["denominator"] if row["denominator"] else None
            assert row["value"] == (None if quotient is None else pytest.approx(quotient)), key


@pytest.mark.parametrize("grain", ["day", "week", "month"])
@pytest.mark.parametrize(("scope", "by"), [("store", "store_id"), ("region", "region"), ("company", None)])
def test_kpi_query_groups_the_facts_to_the_values_of_the_kpi_table(
    second_run: Run, grain: str, scope: str, by: str | None
) -> None:
    sql = f"from kpi.kpi_values where grain = '{grain}' and scope_type = '{scope}'"
    told = {(row["period_start"], row["scope_id"], row["metric"]): row["value"] for row in rows_of(second_run, sql)}
    metrics = sorted({metric for _, _, metric in told})
    frame = query.query(second_run.published, metrics, by=[by] if by else [], grain=grain)
    asked = {
        (row["period_start"].date(), row[by] if by else "company", metric): row[metric]
        for row in frame.astype(object).where(frame.notna(), None).to_dict("records")
        for metric in metrics
    }
    assert asked == {
        key: None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9) for key, value in told.items()
    }


def test_status_says_what_the_ledger_has_what_may_still_move_and_what_nobody_told(
    run: Run, served_sandbox: ServedSandbox, expected: dict[StoreDay, Row]
) -> None:
    settled = truth.order_days_settled(served_sandbox.world, run.as_of)
    sql = "select * from kpi.kpi_values where grain = 'day' and scope_type = 'store'"
    told = {(row["scope_id"], row["period_start"], row["metric"]): row["status"] for row in rows_of(run, sql)}
    for (store_id, day), row in expected.items():
        orders = "settled" if settled[store_id, day] else "provisional"
        ledger = orders if row["ledger_complete"] else "stale"
        ads = "settled" if day < run.as_of - timedelta(days=truth.AD_SETTLES_AFTER_DAYS) else "provisional"
        true = {
            "gmv": orders,
            "cogs": orders,
            "refunds": "settled" if row["ledger_complete"] else "stale",
            "net_sales": ledger,
            "platform_fees": ledger,
            "ad_spend": "stale" if day == run.as_of else ads,
            "sellable_units": "settled" if day in SNAPSHOTS[run.as_of] else "stale",
        }
        if day < run.as_of:
            true["contribution_profit"] = max(ledger, ads, key=["settled", "provisional", "stale"].index)
        for metric, status in true.items():
            assert (store_id, day, metric, told[store_id, day, metric]) == (store_id, day, metric, status)
    assert {"settled", "provisional", "stale"} == set(told.values())


def test_between_the_runs_the_past_itself_was_restated(served_sandbox: ServedSandbox) -> None:
    """Else the comparisons above would prove nothing about restatement."""
    early, late = (truth.store_days(served_sandbox.world, day, SNAPSHOTS[day]) for day in (AS_OF, LATER))
    moved: dict[str, set[StoreDay]] = defaultdict(set)
    for key, row in early.items():
        if key[1] < AS_OF:
            for metric, value in row.items():
                if value != late[key][metric]:
                    moved[metric].add(key)
    for store in STORES:
        for metric in ("gmv", "orders", "cancelled_orders", "refunds", "ad_spend", "ad_sales", "impressions"):
            assert any(key[0] == store.id for key in moved[metric]), (store.id, metric)
    released = [key for key in moved["fulfilment_fees"] if early[key]["fulfilment_fees"] is not None]
    assert released, "no deferred transaction was released with other fees on a day whose fees were known"
    assert [key for key in moved["contribution_profit"] if early[key]["contribution_profit"] is None]


def test_the_second_run_publishes_what_a_company_that_begins_that_day_publishes(
    second_run: Run, fresh_run: Run
) -> None:
    """All but stock: a snapshot says what is there now, and nobody can ask for last week's."""
    stock = ", ".join(f"'{name}'" for name in (*STOCK, "out_of_stock_sku_days"))
    queries = [
        *(f"from core.{name} order by all" for name in (
            "fct_order_line", "fct_refund", "fct_ledger_entry", "fct_ad_daily",
            "dim_store", "dim_product", "dim_campaign", "dim_date",
        )),
        f"select columns(name -> name not in ({stock}, 'status')) from kpi.kpi_daily order by all",
        f"from kpi.kpi_values where metric not in ({stock}) order by all",
        f"from kpi.kpi_cuts where metric not in ({stock}) order by all",
        "from kpi.metric_catalog order by all",
    ]  # fmt: skip
    for sql in queries:
        assert rows_of(second_run, sql) == rows_of(fresh_run, sql), sql


def test_all_the_planted_stories_are_in_the_published_numbers(first_run: Run, second_run: Run) -> None:
    told = {(row["store_id"], row["date"]): row for row in rows_of(first_run, "from kpi.kpi_daily")}
    story = AS_OF - timedelta(days=1)
    usual = told["amazon_us", story - timedelta(days=7)]
    assert told["amazon_us", story]["gmv"] < usual["gmv"] / 2
    assert told["amazon_us", story - timedelta(days=2)]["refund_rate"] > 0.2
    assert told["amazon_jp", story]["acos"] > 2 * told["amazon_jp", story - timedelta(days=7)]["acos"]
    assert told["amazon_us", AS_OF]["stockout_rate"] > 0
    lamps = "core.fct_order_line where sku = 'LAMP-01' and is_live"
    costs = rows_of(first_run, f"select distinct cogs_native / quantity as cost from {lamps} order by 1")
    assert [row["cost"] for row in costs] == [46.5, 51.8]
    assert rows_of(second_run, "select count(*) as n from core.fct_order_line where is_replacement")[0]["n"] > 0
    assert all(row[name] is None for row in told.values() if row["date"] == AS_OF for name in ADS)


def test_the_stories_and_nothing_else_are_told_in_slack_and_taken_back_when_over(
    first_run: Run, second_run: Run
) -> None:
    stories = {"ACoS · store amazon_jp", "GMV · store amazon_us", "Refund rate · store amazon_us"}
    for run, beginning in ((first_run, "/ "), (second_run, "Recovered: ")):
        assert len(run.messages) == len(stories), run.messages
        for story in stories:
            assert [text for text in run.messages if f"{beginning}{story}" in text], (beginning, story)
