"""A console over real parts, on a clock that a test moves, and what tests of its pages keep doing."""

import importlib
import re
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

import andante.dashboard
from andante import Engine
from andante.dashboard.console import Console
from andante.dashboard.routes import routes
from andante.dashboard.sessions import Sessions
from andante.delivery import Outbox
from andante.live.clock import SteadyClock
from andante.live.instants import micros
from andante.monitoring.watch import Watch
from andante.operators import Books
from andante.operators.rules import Rules
from andante.service.running import Running
from andante.service.serving import Serving
from andante.service.tokens import Tokens
from andante.settings import load
from andante.settings.sections.service import Service

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
"""The time that the clock begins at: a Monday."""

CONFIG = {
    "budget": {"per_user_week": 3.0},
    "experiment": {"holdout": 0.0, "explore": 0.0},
    "gap": {"minimum": "PT0S"},
    "categories": {"receipt": {"transactional": True}},
    "pacing": {"default_per_week": 3.0, "patience": 0.0, "floor": 0.0, "explore_candidates": 0.0},
}
SECRET = "a secret of the tests alone"  # noqa: S105  of no use elsewhere


class HandClock(SteadyClock):
    """A clock that stands until it is moved."""

    def __init__(self, at=AT):
        self.passed = timedelta(0)
        super().__init__(lambda: micros(at), lambda: self.passed // timedelta(microseconds=1))

    def advance(self, by):
        self.passed += by


@contextmanager
def opened(folder, config=None, *, clock=None, demo=False, **service):
    """Open a console over a file, as a server would."""
    database, clock = Path(folder) / "shop.db", clock or HandClock()
    settings = load(CONFIG if config is None else config, {})
    settings = settings.model_copy(update={"service": Service(**{"port": 0, **service})})
    with ExitStack() as opening:
        engine = opening.enter_context(Engine.open(database, settings, clock=clock))
        books = opening.enter_context(Books.open(f"{database}.operators", clock, secret=SECRET, engine=engine))
        outbox = Outbox.open(f"{database}.delivery")
        opening.callback(outbox.close)
        tokens = Tokens(SECRET, settings.service.outcome_token_life, settings.service.public_url)
        serving = Serving(engine, settings.service, tokens, database=database)
        yield Console(
            serving=serving,
            engine=engine,
            settings=settings,
            watch=Watch(database),
            books=books,
            rules=Rules(engine, books, None, {}),
            outbox=outbox,
            sessions=Sessions(serving.keyring, SECRET, timedelta(hours=12), secure=False),
            now_us=clock.now_us,
            demo=demo,
        )


@contextmanager
def answering(console, *beside):
    """Serve every page of a console until the end of the block; give a browser without pictures."""
    running = Running(console.serving, "0", more=all_routes(console), beside=beside)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        with httpx.Client(base_url=running.url, timeout=60, follow_redirects=True, trust_env=False) as client:
            yield client
    finally:
        running.end()
        thread.join(60)
    assert not thread.is_alive(), "the server did not end"


def all_routes(console):
    """Return the routes of every module of pages, whether the table names them yet or not."""
    found = list(routes(console))
    for path in sorted(Path(andante.dashboard.__path__[0]).glob("*.py")):
        if path.stem != "routes" and "\ndef routes(console: Console)" in path.read_text(encoding="utf-8"):
            found += importlib.import_module(f"andante.dashboard.{path.stem}").routes(console)
    return found


def look(console):
    """Let the watch read all that the log holds, and count the users."""
    while console.watch.look(console.now_us()):
        pass
    console.watch.note(console.engine.inspection.survey())


def sign_in(client, name="Mia"):
    """Sit down as an operator."""
    answer = client.post("/dashboard/sign-in", data={"given": name, "next": "/dashboard/sign-in"})
    assert answer.status_code == 200, answer.text


def act(client, page, path, **fields):
    """Send a form of a page, as somebody who looked at it would."""
    looked = client.get(page)
    assert looked.status_code == 200, looked.text
    token = re.search(r'name="form_token" value="([^"]*)"', looked.text)
    assert token is not None, "the page has no form of an operator"
    return client.post(path, data={"form_token": token[1], **fields})


def asked(user_id="ann", candidate_id="c1", category="promotion", channel="push", campaign_id=None, **more):
    """Return a request for one push."""
    candidate = {"candidate_id": candidate_id, "category": category, "channel": channel}
    if campaign_id is not None:
        candidate["campaign_id"] = campaign_id
    return {"user_id": user_id, "candidates": [candidate], **more}


def consents(engine, *users, at=AT, **wishes):
    """Let users consent to pushes, some time before the clock begins."""
    for user in users:
        engine.set_preferences(user, {"consent": {"push": True}, "at": at - timedelta(days=30), **wishes})


def until(holds, what, seconds=60):
    """Wait for what another thread does by itself, and return it."""
    ends_s = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < ends_s, f"never {what}"
        threading.Event().wait(0.02)
    return found
