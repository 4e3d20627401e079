"""A small generated shop, and a finished run on it, shared by the tests of the main job."""

import subprocess
import sys
from pathlib import Path

import pytest

from andante.simulation.shop_log import ShopLog


def _andante(*arguments):
    command = [Path(sys.executable).parent / "andante", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="session")
def andante():
    """The command line in a process of its own: call it with words, get what it printed and how it ended."""
    return _andante


@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    """A shop of 500 users over 70 days: its events in two CSV files, and its message log."""
    folder = tmp_path_factory.mktemp("logs")
    shop = ShopLog(users=500, days=70, seed=3, events_target=25_000)
    shop.write(folder / "events.parquet", format="parquet")
    shop.write_messages(folder / "messages.parquet", format="parquet")
    return folder


@pytest.fixture(scope="session")
def finished(andante, logs, tmp_path_factory):
    """The output folder of a finished run with messages, and what the command printed."""
    out = tmp_path_factory.mktemp("run") / "out"
    done = andante(
        "run",
        logs / "events.parquet",
        "--messages",
        logs / "messages.parquet",
        "--out",
        out,
        "--budget",
        "2.5",
    )
    assert done.returncode == 0, done.stderr
    return out, done.stdout
