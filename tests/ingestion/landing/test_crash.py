"""A process killed inside a landing: nothing is lost, nothing is doubled, with its working folder or without."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ingestion.company import Company
from ingestion.landing import SourceResult
from ingestion.landing.lake import read_table, visible_loads
from tests.ingestion.conftest import HEADER

KILLED = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
import ingestion.files.inbox
from dlt.destinations.impl.filesystem.filesystem import FilesystemClient
from dlt.pipeline.pipeline import Pipeline
from ingestion.company import load_company
from ingestion.landing import LandOptions, land

def die(*args, **kwargs):
    os._exit(9)

ingestion.files.inbox.wait = lambda seconds: None
if sys.argv[2] == "complete_load":
    FilesystemClient.complete_load = die
else:
    setattr(Pipeline, sys.argv[2], die)
company = load_company(Path(sys.argv[1]))
land(company, company.sources[0], LandOptions("killed", None, None, None, datetime.now(UTC)))
"""


@pytest.mark.parametrize("working_folder", ["kept", "lost"])
@pytest.mark.parametrize("point", ["normalize", "load", "complete_load"])
def test_a_killed_landing_loses_and_doubles_nothing(
    company: Company,
    root: Path,
    drop: Callable[[str, str], Path],
    land_files: Callable[[], SourceResult],
    point: str,
    working_folder: str,
) -> None:
    drop("a.csv", HEADER + "1,A,Mug,2,2010-12-01 08:26:00,2.55,,UK\n" * 2)
    killed = subprocess.run([sys.executable, "-W", "ignore", "-c", KILLED, str(root), point], check=False)
    assert killed.returncode == 9
    assert not visible_loads(company.lake, "files", "uk_orders")
    if working_folder == "lost":
        shutil.rmtree(company.state / "dlt")
    drop("b.csv", HEADER + "2,A,Mug,2,2010-12-02 08:26:00,2.55,,UK\n")
    assert land_files().error is None
    found = read_table(company.lake, "files", "uk_orders", "order_line")
    assert found is not None
    assert sorted(found["order_id"].to_pylist()) == ["1", "1", "2"]
    files = read_table(company.lake, "files", "uk_orders", "meta_file")
    assert files is not None
    assert sorted(files["file_name"].to_pylist()) == ["a.csv", "b.csv"]
