"""A server in a thread with everything that shoppers' pages need, over real files; and what its tests keep asking."""

import re
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.routing import Route

from andante import Engine
from andante.delivery import Outbox, Receipts
from andante.live.clock import SteadyClock
from andante.operators import Books
from andante.service.delivering import port
from andante.service.numbers import Numbers
from andante.service.persons import Persons
from andante.service.running import Running
from andante.service.serving import Serving
from andante.service.tokens import Tokens
from andante.settings.sections.service import Service
from andante.shopper.front import Front
from andante.shopper.routes import routes
from andante.site import assets
from andante.site.pages import settle

SENDING = {
    "consent": {"default": "deny"},
    "experiment": {"holdout": 0.0, "explore": 0.0},
    "gap": {"minimum": "PT0S"},
    "categories": {"receipt": {"transactional": True}, "promotion": {}, "news": {"news": True}},
    "pacing": {
        "default_per_week": 168.0,
        "most_per_week": 168.0,
        "burst": 32.0,
        "patience": 0.0,
        "floor": 0.0,
        "temperature": 0.001,
        "explore_candidates": 0.0,
        "message_cost": 0.0,
        "refusal_loss": 0.0,
        "refusal_loss_pushes": 0.0,
    },
}
"""Settings under which only the rules hold a push back."""

HIDDEN = re.compile(r'name="form_token" value="([^"]+)"')


@dataclass
class Shop:
    """A server that answers."""

    url: str
    client: httpx.Client
    engine: Engine
    outbox: Outbox
    books: Books
    tokens: Tokens
    persons: Persons
    serving: Serving

    def link(self, user_id="ann"):
        """Return the path of a new link to a user's own page."""
        return self.tokens.preference_link(self.persons.person(user_id)).url

    def page(self, link, **more):
        answer = self.client.get(link, **more)
        assert answer.status_code == 200, answer.text
        return answer.text

    def act(self, link, action, form=None, *, decision="", token=None, **more):
        """Send a form of a page as a browser would."""
        token = self.tokens.form(link.rpartition("/")[2], f"{action} {decision}") if token is None else token
        fields = {"form_token": token, **({"decision": decision} if decision else {}), **(form or {})}
        return self.client.post(f"{link}/{action}", data=fields, **more)

    def done(self, link, action, form=None, **more):
        """Send a form that must be taken, and return the page that answers it."""
        answer = self.act(link, action, form, **more)
        assert answer.status_code == 303, answer.text
        return self.page(answer.headers["location"])

    def consents(self, user_id="ann", **wishes):
        self.engine.set_preferences(user_id, {"consent": {"push": True}} | wishes)

    def asks(self, user_id="ann", number=1, **more):
        """Ask whether a push may go out now; return the decision."""
        candidate = {"candidate_id": f"c{number}", "category": "promotion", "channel": "push"}
        candidate |= {"campaign_id": f"sale_{number}"} | more
        return self.engine.decide([{"user_id": user_id, "candidates": [candidate]}])[0]


@contextmanager
def opened(path: Path, config: Any = None, **service):
    """Serve until the end of the block."""
    settings, clock = Service(**{"port": 0, **service}), SteadyClock()
    with ExitStack() as held:
        engine = Engine.open(path, SENDING if config is None else config, clock=clock)
        outbox = Outbox.open(f"{path}.delivery")
        held.callback(outbox.close)
        books = held.enter_context(Books.open(f"{path}.operators", clock, secret="a secret of the tests alone"))  # noqa: S106
        tokens = Tokens(
            "a secret of the tests alone",
            settings.outcome_token_life,
            settings.public_url,
            preference_link_life=settings.preference_link_life,
        )
        persons = Persons(
            engine,
            outbox.database,
            Numbers(path),
            held={"complaints": books.complaints.of_user},
            forgetting=[books.forget],
        )
        delivery = port(outbox, Receipts(outbox, engine), {}, engine.now_us)
        serving = Serving(engine, settings, tokens, database=path, delivery=delivery, privacy=persons)
        front = Front(serving, engine, persons, books.complaints, clock.now_us)
        more = [assets.route(), Route("/settle", settle, methods=["POST"]), *routes(front)]
        running = Running(serving, "0", more=more)
        thread = threading.Thread(target=running.run)
        thread.start()
        try:
            with httpx.Client(base_url=running.url, timeout=60, trust_env=False) as client:
                yield Shop(running.url, client, engine, outbox, books, tokens, persons, serving)
        finally:
            running.end()
            thread.join(60)
        assert not thread.is_alive(), "the server did not end"
