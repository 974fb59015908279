"""What goes wrong in real life: each trouble is one clear line and the right exit code, and the others go on."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.lock import run_lock
from sandbox.company import environment, write_company
from sandbox.platforms.control import world_time
from sandbox.platforms.server import SandboxServer
from sandbox.platforms.state import Fault, State
from sandbox.world import simulate
from tests.e2e.companies import drop_sales, published, retail_company, slack
from tests.e2e.warm_kpi import Ended, kpi

pytestmark = pytest.mark.slow


def _lines(ended: Ended, start: str) -> list[str]:
    return [line for line in ended.err.splitlines() if line.startswith(start)]


def _texts(server: SandboxServer, part: str) -> list[dict[str, Any]]:
    return [message for message in server.state.slack if part in str(message["text"])]


def test_dead_sources_are_named_once_and_the_others_are_published_and_come_back(tmp_path: Path) -> None:
    as_of = date(2025, 3, 20)
    world = simulate(7, as_of - timedelta(days=12), 14, 6, as_of - timedelta(days=1))
    with SandboxServer(State(world, world_time(as_of))) as server:
        write_company(tmp_path, server.url, world.start, world.story_day)
        shop = "  - {id: outlet, platform: own_site, region: EU, currency: USD, timezone: UTC, opened_on: 2025-03-08}\n"
        sales = "  - {id: outlet_orders, system: files, store: outlet, mapping: online_retail}\n"
        text = (tmp_path / "company.yml").read_text("utf-8")
        (tmp_path / "company.yml").write_text(text.replace("sources:\n", f"{shop}sources:\n{sales}"), "utf-8")
        (tmp_path / "inbox" / "outlet_orders").mkdir(parents=True)
        drop_sales(tmp_path, "outlet", date(2025, 3, 18), "1,A,2,5.00")
        unreadable = tmp_path / "inbox" / "outlet_orders" / "march.xlsx"
        unreadable.write_bytes(b"this is no workbook")
        server.state.revoked.add("AMAZON_US")
        server.state.faults = [Fault("fatal_report", "/sp/jp/"), Fault("fatal_report", "/ads/", times=9)]

        troubled = kpi(tmp_path, "run", "--as-of", as_of.isoformat(), env=environment(server.url))

        assert troubled.code == 1, troubled
        assert "Traceback" not in troubled.err and "Atzr|" not in troubled.err
        [token] = _lines(troubled, "amazon_us_sp: FAILED")
        assert "refused the refresh token" in token and "AMAZON_US_REFRESH_TOKEN" in token
        [fatal] = _lines(troubled, "amazon_jp_sp: FAILED")
        assert "fba_inventory" in fatal and "FATAL" in fatal
        [file] = _lines(troubled, "outlet_orders: FAILED")
        assert "march.xlsx" in file
        assert len(_lines(troubled, "amazon_us_ads: FAILED")) == len(_lines(troubled, "amazon_jp_ads: FAILED")) == 1
        day = "kpi.kpi_daily where date = '2025-03-18'"
        gmv = dict(published(tmp_path, f"select store_id, gmv from {day}"))
        assert gmv["amazon_us"] is None, "nobody said anything about this store"
        assert gmv["amazon_jp"] > 0 and gmv["outlet"] > 0
        assert dict(published(tmp_path, f"select store_id, status from {day}"))["amazon_us"] == "stale"
        failed = {"amazon_us_sp", "amazon_jp_sp", "amazon_us_ads", "amazon_jp_ads", "outlet_orders"}
        assert all(len(_texts(server, source)) == 1 for source in failed)

        server.state.revoked.clear()
        server.state.faults.clear()
        unreadable.unlink()
        mended = kpi(tmp_path, "run", "--as-of", as_of.isoformat(), env=environment(server.url))

        assert mended.code == 0, mended.err
        assert dict(published(tmp_path, f"select store_id, gmv from {day}"))["amazon_us"] > 0
        for source in failed:
            failure, recovery = _texts(server, source)
            assert recovery["thread_ts"] == failure["ts"]


def test_a_held_store_keeps_its_last_good_rows_until_it_is_mended(tmp_path: Path) -> None:
    with slack() as (server, env):
        company = retail_company(tmp_path, ["north", "south"])
        for store in ("north", "south"):
            drop_sales(company, store, date(2024, 3, 1), "1,A,1,10.00")
        assert kpi(company, "run", "--as-of", "2024-03-02", env=env).code == 0
        drop_sales(company, "south", date(2024, 3, 2), "2,A,1,20.00")
        good = drop_sales(company, "north", date(2024, 3, 2), "2,A,1,30.00")
        text = good.read_text("utf-8")
        good.write_text(text + text.splitlines()[1].replace("2024-03-02", "2099-01-01") + "\n", encoding="utf-8")

        held = kpi(company, "run", "--as-of", "2024-03-03", "--json", env=env)

        assert held.code == 3, held.err
        summary = json.loads(held.out)
        assert summary["status"] == "held" and summary["published_at"]
        assert list(summary["held"]) == ["north"]
        assert summary["held"]["north"]["check"] == "fail_no_order_from_the_future"
        days = "select date, gmv, status from kpi.kpi_daily where store_id = '{}' and date <= '2024-03-02' order by 1"
        first, second = date(2024, 3, 1), date(2024, 3, 2)
        assert [row[:2] for row in published(company, days.format("south"))] == [(first, 10), (second, 20)]
        north = published(company, days.format("north"))
        assert north[0] == (first, 10, "stale"), "the last good row stays, and says so"
        assert all(row == (second, None, "stale") for row in north[1:])
        [message] = _texts(server, "north")
        since = summary["held"]["north"]["since"][:16].replace("T", " ")
        assert message["channel"] == "C-kpi-data"
        assert "fail_no_order_from_the_future" in message["text"] and since in json.dumps(message["blocks"])

        good.write_text(text, encoding="utf-8")
        mended = kpi(company, "run", "--as-of", "2024-03-03", env=env)

        assert mended.code == 0, mended.err
        assert [row[:2] for row in published(company, days.format("north"))] == [(first, 10), (second, 30)]
        failure, recovery = _texts(server, "north")
        assert recovery["thread_ts"] == failure["ts"]


def test_a_store_that_lands_nothing_is_stale_and_the_run_says_so(tmp_path: Path) -> None:
    company = retail_company(tmp_path, ["north", "south"])
    drop_sales(company, "north", date(2024, 3, 1), "1,A,1,10.00")

    ended = kpi(company, "run", "--as-of", "2024-03-02", "--json")

    assert ended.code == 0, ended.err
    assert [line for line in json.loads(ended.out)["warnings"] if "delivered_something" in line and "south" in line]
    rows = published(company, "select store_id, gmv, status from kpi.kpi_daily order by all")
    assert rows[0][:2] == ("north", 10) and rows[1] == ("south", None, "stale")


def test_a_full_disk_stops_only_what_needs_room_and_is_made_good(tmp_path: Path) -> None:
    company = retail_company(tmp_path, ["north", "south"])
    for store in ("north", "south"):
        drop_sales(company, store, date(2024, 3, 1), "1,A,1,10.00")
    assert kpi(company, "run", "--as-of", "2024-03-02").code == 0
    warehouse = (company / "data" / "warehouse.duckdb").stat().st_size
    big = [f"{number},A,1,1.00" for number in range(2, 250_000)]
    file = drop_sales(company, "north", date(2024, 3, 2), *big)
    assert file.stat().st_size > warehouse, "its archived copy does not fit"
    drop_sales(company, "south", date(2024, 3, 2), "2,A,1,20.00")
    days = "select store_id, gmv from kpi.kpi_daily where date = '2024-03-{:02}' order by all"

    landing = kpi(company, "run", "--as-of", "2024-03-03", file_size_limit=warehouse)

    assert landing.code == 1 and "Traceback" not in landing.err
    [line] = [line for line in landing.err.splitlines() if "FAILED" in line]
    assert line.startswith("north_orders: FAILED") and "ulimit -f" in line
    assert published(company, days.format(1)) == [("north", 10), ("south", 10)]
    assert published(company, days.format(2)) == [("north", None), ("south", 20)]

    before = (company / "data" / "published" / "company.duckdb").read_bytes()
    file.rename(tmp_path / "aside.csv")
    drop_sales(company, "south", date(2024, 3, 3), "3,A,1,30.00")
    building = kpi(company, "run", "--as-of", "2024-03-04", file_size_limit=warehouse // 2)

    assert building.code == 1 and "Traceback" not in building.err
    assert [line for line in building.err.splitlines() if "FAILED" in line and "too large" in line.lower()], (
        building.err
    )
    assert "HELD" not in building.err, "a full disk is no verdict on the data"
    assert (company / "data" / "published" / "company.duckdb").read_bytes() == before

    (tmp_path / "aside.csv").rename(file)
    room = kpi(company, "run", "--as-of", "2024-03-04")

    assert room.code == 0, room.err
    assert published(company, days.format(2)) == [("north", len(big)), ("south", 20)]
    assert published(company, days.format(3)) == [("north", None), ("south", 30)]


def test_a_malformed_company_file_names_line_and_key(tmp_path: Path) -> None:
    company = retail_company(tmp_path, ["north"])
    path = company / "company.yml"
    path.write_text(path.read_text("utf-8").replace("Europe/London", "Europe/Lundon"), encoding="utf-8")

    ended = kpi(company, "run")

    assert ended.code == 2
    assert ended.err.startswith("Error: company.yml:5: stores[0].timezone: `Europe/Lundon` is not a time zone")
    assert len(ended.err.splitlines()) == 1 and not (company / "data").exists()


def test_a_second_run_ends_at_once_and_names_the_one_under_way(tmp_path: Path) -> None:
    company = retail_company(tmp_path, ["north"])
    with run_lock(company / "data" / "state"):
        ended = kpi(company, "run")
    assert ended.code == 1
    [line] = ended.err.splitlines()
    assert "another run is under way" in line and str(os.getpid()) in line
