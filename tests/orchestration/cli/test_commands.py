"""The `kpi` command as a person meets it before anything has run: help, wrong usage, and what to do next."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from orchestration.cli import main as entry
from orchestration.cli.main import cli

COMMANDS = ["alerts", "backfill", "check", "demo", "dev", "explain", "export", "init", "quality", "query", "run"]
NEED_A_RUN = [["query", "gmv"], ["explain", "gmv"], ["quality"], ["export", "out"]]
NEED_A_COMPANY = [*NEED_A_RUN, ["run"], ["check"], ["alerts", "list"], ["alerts", "test"], ["dev"]]


def kpi(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    assert kpi("init", str(tmp_path / "shop")).exit_code == 0
    return tmp_path / "shop"


def test_only_what_exists_is_listed_and_every_command_explains_itself() -> None:
    assert sorted(cli.commands) == COMMANDS
    alerts = cli.commands["alerts"]
    assert isinstance(alerts, click.Group)
    paths = [[name] for name in COMMANDS] + [["alerts", name] for name in alerts.commands]
    for path in paths:
        told = kpi(*path, "--help")
        assert told.exit_code == 0 and f"kpi {' '.join(path)}" in told.output.replace("cli", "kpi")
        command = cli.commands[path[0]] if len(path) == 1 else alerts.commands[path[1]]
        assert command.help and all(o.help for o in command.params if isinstance(o, click.Option)), path


@pytest.mark.parametrize("arguments", NEED_A_COMPANY, ids=" ".join)
def test_without_a_company_folder_the_way_to_one_is_named(arguments: list[str], tmp_path: Path) -> None:
    ended = kpi("--company", str(tmp_path / "none"), *arguments)
    assert ended.exit_code == 2
    assert ended.output.startswith("Error: no company.yml in") and "kpi init" in ended.output


@pytest.mark.parametrize("arguments", NEED_A_RUN, ids=" ".join)
def test_before_the_first_run_the_answer_is_to_run(arguments: list[str], shop: Path) -> None:
    ended = kpi("--company", str(shop), *arguments)
    assert ended.exit_code == 1
    assert len(ended.output.splitlines()) == 1 and "run `kpi run` first" in ended.output


def test_init_writes_a_company_that_checks_out_and_overwrites_nothing(shop: Path) -> None:
    checked = kpi("--company", str(shop), "check")
    assert checked.exit_code == 0
    assert [line.split(": ")[:2] for line in checked.output.splitlines()] == [
        ["company.yml", "ok, stores 1, sources 1"],
        ["alerts.yml", "ok, rules 3"],
        ["my_orders", f"ok, 0 files in {shop / 'inbox' / 'my_orders'}"],
    ]
    before = (shop / "company.yml").read_bytes()
    again = kpi("init", str(shop))
    assert again.exit_code == 2 and "nothing was written" in again.output
    assert (shop / "company.yml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run", "--source", "nope"], "there are: my_orders"),
        (["run", "--from", "2026-02-01", "--to", "2026-01-01"], "--from 2026-02-01 is after --to 2026-01-01"),
        (["run", "--as-of", "2026-02-30"], "write it as 2026-01-31"),
        (["backfill", "--source", "my_orders", "--from", "2026-01-01"], "Missing option '--to'"),
        (["query", "gmv", "--grain", "hour"], "'day', 'week', 'month'"),
        (["frob"], "No such command 'frob'"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_says_what_is_right(shop: Path, arguments: list[str], says: str) -> None:
    ended = kpi("--company", str(shop), *arguments)
    assert ended.exit_code == 2 and says in ended.output


def test_every_mistake_of_the_company_file_is_named_with_its_line_and_key(shop: Path) -> None:
    text = (shop / "company.yml").read_text("utf-8")
    text = text.replace("reporting_currency: GBP", "reporting_currency: dollars").replace("platform:", "plattform:")
    (shop / "company.yml").write_text(text, encoding="utf-8")
    ended = kpi("--company", str(shop), "run")
    assert ended.exit_code == 2
    lines = {line.removeprefix("Error: ").split(": ")[1]: line for line in ended.output.splitlines()}
    wrong = text.splitlines().index(next(line for line in text.splitlines() if "dollars" in line)) + 1
    assert f"company.yml:{wrong}: reporting_currency: `dollars` is not a currency" in lines["reporting_currency"]
    assert "did you mean `platform`?" in lines["stores[0].plattform"]


def test_a_test_message_without_slack_did_not_arrive(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_WEBHOOK_URL"):
        monkeypatch.delenv(name, raising=False)
    ended = kpi("--company", str(shop), "alerts", "test")
    assert ended.exit_code == 1 and "set SLACK_BOT_TOKEN" in ended.output


@pytest.mark.parametrize(("debug", "traceback"), [(False, False), (True, True)])
def test_an_unexpected_error_is_one_line_unless_debug_asks_for_more(
    debug: bool, traceback: bool, shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("the disk\nturned to cheese")

    monkeypatch.setattr("orchestration.alerts.list_alerts", broken)
    options = ["--debug"] if debug else []
    monkeypatch.setattr(sys, "argv", ["kpi", *options, "--company", str(shop), "alerts", "list"])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    told = capsys.readouterr().err
    assert ended.value.code == 1
    assert "Error: the disk turned to cheese (run again with --debug for the traceback)" in told
    assert ("Traceback" in told) == traceback
