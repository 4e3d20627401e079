"""A real browser, and a real server in a process of its own, which a test may kill and start again."""

import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SERVER = Path(__file__).with_name("shop_server.py")


class PushService(ThreadingHTTPServer):
    """A browser maker's push service, as far as a sender sees it: it takes what it cannot read."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Taker)
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.came = threading.Condition()

    @property
    def port(self):
        return self.server_address[1]

    def next(self):
        """Return the headers and the body of the next push."""
        with self.came:
            assert self.came.wait_for(lambda: self.taken, 30), "no push came"
            return self.taken.pop(0)


class _Taker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: PushService

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with self.server.came:
            self.server.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.server.came.notify_all()
        self.send_response(201)
        self.send_header("Location", "/message/1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        """Say nothing."""


@dataclass
class Shop:
    """A server that can be killed, and what was asked of it."""

    database: Path
    port: int
    push_service: PushService
    process: subprocess.Popen | None = None
    client: httpx.Client = field(init=False)

    def __post_init__(self):
        self.client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        command = [sys.executable, str(SERVER), str(self.database), str(self.port), str(self.push_service.port)]
        self.process = subprocess.Popen(command)
        until(self._answers, "answered")

    def stop(self, number=signal.SIGKILL):
        """End it: without warning, unless another signal is named."""
        self.process.send_signal(number)
        self.process.wait(30)

    def consents(self, user_id="ann", **channels):
        self.client.put(f"/v1/users/{user_id}/preferences", json={"consent": channels}).raise_for_status()

    def says(self, campaign, **message):
        body = {"kind": "campaign", "message": message}
        self.client.put(f"/v1/messages/{campaign}", json=body).raise_for_status()

    def sends(self, number, user_id="ann", channel="in_app"):
        """Have a push decided, which goes out; return its decision's id. Every third one is marketing."""
        category = "receipt" if number % 3 else "promotion"
        candidate = {"candidate_id": f"c{number}", "campaign_id": "sale", "item_id": f"i{number}"}
        candidate |= {"category": category, "channel": channel}
        answer = self.client.post("/v1/decisions", json={"user_id": user_id, "candidates": [candidate]}).json()
        assert answer["action"] == "send", answer
        return answer["decision_id"]

    def user(self, user_id="ann"):
        return self.client.get(f"/v1/users/{user_id}").json()

    def ambiguous(self):
        """Return the pushes of which nobody can know, since an attempt broke off."""
        letters = self.client.get("/v1/dead-letters").json()["dead_letters"]
        assert {letter["kind"] for letter in letters} <= {"ambiguous"}, letters
        return {letter["decision_id"] for letter in letters}

    def fed(self, user_id="ann"):
        """Return a user's feed as it lies on the disk."""
        query = "SELECT decision_id FROM feed WHERE user_id = ? ORDER BY id"
        with closing(sqlite3.connect(f"file:{self.database}.delivery?mode=ro", uri=True)) as connection:
            return [decision_id for (decision_id,) in connection.execute(query, (user_id,))]

    def outcomes(self, decision_id):
        query = "SELECT type FROM outcomes WHERE decision_id = ?"
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return {outcome for (outcome,) in connection.execute(query, (decision_id,))}

    def _answers(self):
        assert self.process.poll() is None, "the server ended"
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False


def until(holds, what, seconds=60):
    """Wait for what another process does by itself."""
    ends_s = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < ends_s, f"never {what}"
        threading.Event().wait(0.02)
    return found


@pytest.fixture(scope="module")  # while it is open, an event loop runs here, and others need one of their own
def browser():
    """Start the browser that is on this machine, or skip."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on this machine: install it (apt-get install chromium) to try pages in it")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def shop(tmp_path):
    with PushService() as push_service, socket.socket() as held:
        threading.Thread(target=push_service.serve_forever, args=(0.01,), daemon=True).start()
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        held.close()
        opened = Shop(tmp_path / "shop.db", port, push_service)
        opened.start()
        yield opened
        opened.stop()
        opened.client.close()
        push_service.shutdown()
