import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from orchestration.run_state import RunState


def test_a_store_that_stays_held_keeps_its_first_since(tmp_path: Path) -> None:
    state = RunState(tmp_path)
    state.hold({"amazon_us": ["fail_row_balance"]}, datetime(2026, 1, 1, tzinfo=UTC))
    state.hold({"amazon_us": ["fail_row_balance"], "amazon_jp": ["fail_currency"]}, datetime(2026, 1, 2, tzinfo=UTC))
    held = state.held()
    assert held["amazon_us"]["since"].startswith("2026-01-01")
    assert held["amazon_jp"]["since"].startswith("2026-01-02")
    state.hold({}, datetime(2026, 1, 3, tzinfo=UTC))
    assert state.held() == {}


def test_the_context_survives_the_step_that_wrote_it(tmp_path: Path) -> None:
    started = RunState(tmp_path).start(date(2011, 6, 1), full_refresh=True)
    assert RunState(tmp_path).context() == started


def test_a_new_run_forgets_the_steps_of_the_one_before(tmp_path: Path) -> None:
    state = RunState(tmp_path)
    state.start(None, full_refresh=False)
    state.record("land", {"sources": []})
    assert state.recorded("land") is not None
    state.start(None, full_refresh=False)
    assert state.recorded("land") is None


def test_a_step_without_a_run_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="kpi run"):
        RunState(tmp_path).context()


def test_load_journal_keeps_earlier_runs(tmp_path: Path) -> None:
    state = RunState(tmp_path)
    state.journal_loads([{"run_id": "a", "error": None}])
    state.journal_loads([{"run_id": "b", "error": "token refused"}])
    lines = (tmp_path / "run" / "loads.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2 and "token refused" in lines[1]


def test_a_line_cut_short_by_a_kill_does_not_spoil_the_load_journal(tmp_path: Path) -> None:
    state = RunState(tmp_path)
    state.journal_loads([{"run_id": "a"}])
    path = tmp_path / "run" / "loads.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + '{"run_id": "b", "err', encoding="utf-8")
    state.journal_loads([{"run_id": "c"}])
    assert [json.loads(line)["run_id"] for line in path.read_text(encoding="utf-8").splitlines()] == ["a", "c"]
