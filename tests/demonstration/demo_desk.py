"""A demonstration's server in a process of its own, and how its tests look into it."""

import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx
import psutil

ANDANTE = [sys.executable, "-m", "andante"]
PATIENCE_S = 240.0
"""How long anything may take: nothing is measured here, and the machine may be busy or compile first."""


class Demo:
    """A server with its shoppers; a block ends it as a signal would."""

    def __init__(self, db, *more, speed=14_400):
        command = [*ANDANTE, "serve", "--db", str(db), "--port", "0", "--demo", "--speed", str(speed), *more]
        self.db = Path(db)
        self.journal = self.db.with_name(f"journal-{time.monotonic_ns()}")
        with self.journal.open("w") as journal:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=journal, text=True)
        said = self.process.stdout.readline()
        assert said, self.journal.read_text()
        self.url = re.search(r"http://\S+?(?= )", said)[0]
        self.client = httpx.Client(base_url=self.url, timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.stop(signal.SIGTERM)

    def stop(self, told):
        """End it by a signal, and insist that nobody of it is left."""
        family = [psutil.Process(self.process.pid), *self.children()]
        self.process.send_signal(told)
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.client.close()
        _, left = psutil.wait_procs(family, timeout=PATIENCE_S)
        assert not left, f"{left} outlived the server"
        return self.process.returncode

    def children(self):
        return psutil.Process(self.process.pid).children(recursive=True)

    def steering(self):
        return self.client.get("/demo/speed").json()

    def runs_at(self, speed):
        answer = self.client.put("/demo/speed", json={"speed": speed})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self, query):
        with closing(sqlite3.connect(f"file:{self.db}?mode=ro", uri=True, timeout=60)) as connection:
            return connection.execute(query).fetchall()

    def until(self, holds, what):
        """Wait until something holds, and return it."""
        return until(holds, f"{what}; the journal says: {self.journal.read_text()}", self.process)


def until(holds, what, process=None):
    """Wait until something holds, and return it."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < deadline_s, f"never: {what}"
        assert process is None or process.poll() is None, f"the server ended before: {what}"
        time.sleep(0.05)
    return found
