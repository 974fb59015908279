import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.lock import AlreadyRunningError, hold_for_process, run_lock

HOLD = """
import sys
from pathlib import Path
from orchestration.lock import hold_for_process
hold_for_process(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def _holder(state_dir: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_refused_and_told_which_process_holds_the_lock(tmp_path: Path) -> None:
    holder = _holder(tmp_path)
    try:
        with pytest.raises(AlreadyRunningError, match=str(holder.pid)), run_lock(tmp_path):
            pass
    finally:
        holder.kill()
        holder.wait()


def test_a_killed_run_leaves_no_lock_behind(tmp_path: Path) -> None:
    holder = _holder(tmp_path)
    holder.kill()
    holder.wait()
    with run_lock(tmp_path):
        assert (tmp_path / "lock").exists()


def test_steps_of_the_process_that_holds_the_lock_may_take_it_again(tmp_path: Path) -> None:
    with run_lock(tmp_path):
        hold_for_process(tmp_path)
    with run_lock(tmp_path):
        pass


def test_two_runs_of_one_process_exclude_each_other_and_the_first_stays_locked(tmp_path: Path) -> None:
    with run_lock(tmp_path):
        with pytest.raises(AlreadyRunningError), run_lock(tmp_path):
            pass
        with pytest.raises(AlreadyRunningError), run_lock(tmp_path):
            pass
