"""``andante serve`` as people start it, in a process of its own, and what that process costs."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psutil

from andante.benchmarks.service_server import Server, _toml
from andante.vocabulary.fault import Fault

NOW = "/dashboard/"
"""The page that is measured: "Now", which polls once a second."""

_URL = re.compile(r"http://[^\s/]+")
_PATIENCE_S = 60


@contextmanager
def commanded(database: Path, *options: str) -> Iterator[Server]:
    """Run ``andante serve`` on a free port, with more options, until the end of the block; yield it when it listens."""
    command = [sys.executable, "-m", "andante", "serve", "--db", str(database), "--port", "0", *options]
    journal = database.with_suffix(".journal")
    with (
        journal.open("w", encoding="utf-8") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        try:
            yield Server(_listening(process.stdout, journal), process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def with_dashboard(database: Path, config: dict[str, Any]) -> Iterator[Server]:
    """Serve a database with its pages until the end of the block."""
    file = database.with_suffix(".toml")
    file.write_text(_toml(config), encoding="utf-8")
    with commanded(database, "--config", str(file)) as server:
        yield server


def processes_below(pid: int, name: str = "") -> list[psutil.Process]:
    """Return the processes that a process has started, and those that they have, whose name begins so."""
    return [one for one in psutil.Process(pid).children(recursive=True) if one.name().startswith(name)]


def cpu_s(processes: list[psutil.Process]) -> float:
    """Return the processor time of processes so far; of those that have ended, none."""
    spent = 0.0
    for process in processes:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            times = process.cpu_times()
            spent += times.user + times.system
    return spent


def _listening(said: IO[str] | None, journal: Path) -> str:
    """Return where a server says that it listens."""
    for line in said or ():
        if found := _URL.search(line):
            return found[0]
    fault = Fault("andante serve", "the server", "did not start", "run the command by itself to see why")
    fault.add_note(journal.read_text(encoding="utf-8"))
    raise fault
