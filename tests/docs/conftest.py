"""What the tests of the documentation read: the repository, and a run on a small shop."""

import subprocess
import sys
from pathlib import Path

import pytest

from andante.simulation.shop_log import ShopLog

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def page():
    """Read a page by its path in the repository."""
    return lambda path: (ROOT / path).read_text("utf-8")


@pytest.fixture(scope="session")
def pages():
    """All pages for people: their paths in the repository."""
    found = [*ROOT.glob("*.md"), *(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)]
    return sorted(path.relative_to(ROOT) for path in found)


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """A folder with the events and messages of a small shop."""
    folder = tmp_path_factory.mktemp("shop")
    log = ShopLog(users=250, days=63, seed=5)
    log.write(folder / "events.parquet")
    log.write_messages(folder / "messages.parquet")
    return folder


@pytest.fixture(scope="session")
def outputs(shop):
    """The folder of a finished run on the small shop."""
    logs = [shop / "events.parquet", "--messages", shop / "messages.parquet"]
    command = [sys.executable, "-m", "andante", "run", *logs, "--out", shop / "out"]
    subprocess.run(command, check=True, capture_output=True)
    return shop / "out"
