"""What walks through the pages share: a shop with a past and a whole server, visitors, and what holds on any page."""

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import httpx

import andante.dashboard.opening
import andante.shopper.opening
from andante import Engine
from andante.service.opening import Opened, open_service
from andante.service.tokens import Leaving
from andante.site.words import words_of

PHONE, NARROW, DESKTOP = ({"width": w, "height": h} for w, h in ((390, 844), (360, 780), (1280, 800)))
PATIENCE_MS = 60_000
"""How long anything may take: nothing is measured here, and the machine may be busy."""

CONFIG = """\
[budget]
per_user_week = 6.0

[experiment]
holdout = 0.1
explore = 0.0

[gap]
minimum = "PT0S"

[[caps]]
scope = "category:promotion"
limit = 2
window = "P1D"

[categories.promotion]

[categories.news]
news = true

[categories.receipt]
transactional = true

[pacing]
default_per_week = 20.0
most_per_week = 60.0
burst = 8.0
patience = 0.0
floor = 0.0
temperature = 0.001
explore_candidates = 0.0
message_cost = 0.0
refusal_loss = 0.0
refusal_loss_pushes = 0.0

[operators]
approval_above = 50
launch_chunk = 40

[service]
port = 0
page_calls_per_minute = 1000000
"""
"""A configuration under which mostly the rules hold a push back."""

USERS = tuple(f"shopper-{number:03}" for number in range(200))
SPRING, LOUD = "spring-sale", "last-chance"
_NUMBERS = count(1)
_HOUR = timedelta(hours=1)


@dataclass
class Town:
    """A server that answers, and what lies behind it."""

    url: str
    opened: Opened
    decided: dict[str, str]  # a decision of each action, of the past
    client: httpx.Client

    @property
    def engine(self) -> Engine:
        return self.opened.engine

    def link(self, user_id):
        """Return the path of a new link to a shopper's own page."""
        serving = self.opened.serving
        return serving.tokens.preference_link(serving.privacy.person(user_id)).url

    def leaving(self, user_id, channel="push", decision_id="d-1-0"):
        """Return the path of the page that a push's link for leaving opens."""
        return f"/u/{self.opened.serving.tokens.unsubscribe(Leaving(user_id, channel, decision_id))}"

    def asks(self, user_id, category="receipt", channel="push", **more):
        """Ask over HTTP whether a push may go out now; return the decision."""
        candidate = {"candidate_id": f"c{next(_NUMBERS)}", "category": category, "channel": channel}
        candidate |= {"item_id": candidate["candidate_id"], "value": 50.0} | more
        answer = self.client.post("/v1/decisions", json={"user_id": user_id, "candidates": [candidate]})
        return answer.raise_for_status().json()

    def entries(self, action):
        """Return who did what of one kind, to what, the latest first."""
        return [(one.who, one.subject) for one in self.opened.books.audit.entries(action=action) if not one.refused]


@contextmanager
def living(folder):
    """Serve all pages over a database with a past, until the end of the block."""
    database, config = Path(folder) / "shop.db", Path(folder) / "andante.toml"
    config.write_text(CONFIG, encoding="utf-8")
    decided = lived(database, config)
    kept: list[Opened] = []

    def look(opened):
        kept.append(opened)
        return andante.dashboard.opening.face(opened)

    running = open_service(database, config, faces=[look, andante.shopper.opening.face])
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        with httpx.Client(base_url=running.url, timeout=60, trust_env=False) as client:
            yield Town(running.url, kept[0], decided, client)
    finally:
        running.end()
        thread.join(60)
    assert not thread.is_alive(), "the server did not end"


def lived(database, config):
    """Let a week pass in a new database; return a decision of each action."""
    now, decided = datetime.now(UTC), {}
    with Engine.open(database, config) as engine:
        for number, user in enumerate(USERS):
            consent = {"push": number % 20 != 7, "email": number % 3 == 0}
            wishes = {"consent": consent, "member": number % 4 == 0, "at": now - timedelta(days=8)}
            engine.set_preferences(user, wishes)
        engine.publish({user: 1.0 + number % 7 for number, user in enumerate(USERS)})
        for hours in (150, 126, 102, 78, 54, 30, 0.9):
            _day(engine, now - hours * _HOUR, decided, loud=hours < 1)
        _morning(engine, now - _HOUR / 2, decided)
    return decided


def _day(engine, at, decided, *, loud):
    """Let users visit, be asked about a campaign, and answer what they got."""
    events = [
        {"user_id": user, "type": "view", "item_id": f"item-{number % 9}", "at": at - _HOUR / 4}
        for number, user in enumerate(USERS)
        if number % 5 != 3
    ]
    engine.ingest(events)
    campaign, category = (LOUD, "news") if loud else (SPRING, "promotion")
    candidate = {"candidate_id": campaign, "campaign_id": campaign, "category": category, "channel": "push"}
    candidate |= {"item_id": f"item-{at:%d}"}
    asked = [{"user_id": user, "candidates": [candidate | {"value": 20.0}], "at": at} for user in USERS]
    sent = [one for one in _noted(engine.decide(asked), decided) if one.action == "send"]
    told = [{"decision_id": one.decision_id, "type": "opened"} for one in sent[::3]]
    told += [{"decision_id": one.decision_id, "type": "converted", "value": 24.5} for one in sent[::18]]
    told += [{"decision_id": one.decision_id, "type": "complained"} for one in sent[-(30 if loud else 1) :]]
    engine.observe([one | {"at": at + _HOUR / 6} for one in told])


def _morning(engine, at, decided):
    """Let some be asked more than their caps allow, and some get what they wait for."""
    promotion = {"category": "promotion", "channel": "push", "expires_at": at + timedelta(days=3)}
    offered = [promotion | {"candidate_id": f"news-{place}", "item_id": f"item-{place}"} for place in range(5)]
    receipt = {"candidate_id": "receipt", "category": "receipt", "channel": "email"}
    for minute, user in enumerate(USERS[:20]):
        moment = at + timedelta(minutes=minute)
        asked = [{"user_id": user, "candidates": [one], "at": moment} for one in offered]
        _noted(engine.decide([*asked, {"user_id": user, "candidates": [receipt], "at": moment}]), decided)


def _noted(decisions, decided):
    decided.update((one.action, one.decision_id) for one in decisions)
    return decisions


class Look(NamedTuple):
    """How a visitor sees pages. ``by``: whether the device says light or dark, or the site's own setting."""

    language: str
    scheme: str
    by: str
    viewport: dict[str, int]

    def __str__(self):
        size = {PHONE["width"]: "phone", NARROW["width"]: "narrow", DESKTOP["width"]: "desktop"}[self.viewport["width"]]
        return f"{self.language}-{self.scheme}-by-{self.by}-{size}"


ENGLISH = Look("en", "light", "device", DESKTOP)
CHINESE = Look("zh", "dark", "device", PHONE)

LOOKS = (
    ENGLISH,
    Look("en", "dark", "site", PHONE),
    Look("zh", "light", "site", PHONE),
    Look("zh", "dark", "device", DESKTOP),
)
"""Both languages, light and dark, desktop and phone: each pair of them meets. The two ways to be dark take turns."""


@dataclass
class Visitor:
    """A browser's context, and all that went wrong in it."""

    context: Any
    town: Town
    look: Look
    scripts: bool = True
    faults: list[str] = field(default_factory=list)
    refusals: set[int] = field(default_factory=set)  # statuses that are meant

    def says(self, key, room="andante.dashboard", **values):
        """Return a sentence of ours in the visitor's language."""
        return words_of(self.look.language, room).text(key, **values)

    def presses(self, page, key, within=None, room="andante.dashboard"):
        """Press the button that says so, and wait for the page that follows."""
        with page.expect_navigation():
            (within or page).get_by_role("button", name=self.says(key, room), exact=True).click()
        self.drawn(page)

    def page(self):
        """Open a tab that notes what goes wrong."""
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self._wrong(page, f"script: {error}"))
        page.on("console", lambda said: self._console(page, said))
        page.on("requestfailed", lambda one: self._failed(page, one))
        page.on("response", lambda one: self._answered(page, one))
        page.on("request", lambda one: self._asked(page, one))
        return page

    def sits_down(self, name="Mia"):
        """Sign in as an operator; return the tab."""
        page = self.page()
        self.opens(page, "/dashboard/sign-in")
        page.locator("input[name=given]").fill(name)
        page.locator("main form button").click()
        page.wait_for_url("**/dashboard/")
        return page

    def opens(self, page, path):
        """Open a page and wait until all of it is there."""
        answer = page.goto(self.town.url + path)
        self.drawn(page)
        return answer

    def drawn(self, page):
        """Wait until the charts of a page are drawn, if it has any and runs scripts."""
        if self.scripts and page.locator("script[data-spec]").count():
            page.locator("html[data-charts=drawn]").wait_for(state="attached")

    def _asked(self, page, request):
        if not request.url.startswith((f"{self.town.url}/", "data:", "blob:")):
            self._wrong(page, f"a request left the host: {request.url}")

    def _failed(self, page, request):
        if not (request.url.rpartition("?")[0].endswith(".json") or "ERR_ABORTED" in str(request.failure)):
            self._wrong(page, f"failed: {request.url} {request.failure}")

    def _answered(self, page, response):
        if response.status >= 400 and response.status not in self.refusals:
            self._wrong(page, f"{response.status}: {response.url}")

    def _console(self, page, said):
        refused = "Failed to load resource" in said.text and any(f"of {code} " in said.text for code in self.refusals)
        if said.type in {"error", "warning"} and not refused:
            self._wrong(page, f"console: {said.text}")

    def _wrong(self, page, said):
        self.faults.append(f"{self.look} {page.url.removeprefix(self.town.url)}: {said}")


@contextmanager
def visiting(browser, town, look=ENGLISH, **more):
    """Open a visitor's context; at the end, nothing may have gone wrong in it, and nothing have left the host."""
    told: dict[str, Any] = {"locale": {"en": "en-GB", "zh": "zh-CN"}[look.language], "viewport": look.viewport}
    told |= {"color_scheme": look.scheme if look.by == "device" else {"light": "dark", "dark": "light"}[look.scheme]}
    scripts = more.get("java_script_enabled", True)
    told |= {"is_mobile": look.viewport is not DESKTOP, "has_touch": look.viewport is not DESKTOP}
    context = browser.new_context(**told, **more)
    context.route(re.compile(rf"^(?!{re.escape(town.url)}/|data:|blob:)"), lambda route: route.abort())
    if look.by == "site":
        context.add_cookies([{"name": "andante_theme", "value": look.scheme, "url": town.url}])
    visitor = Visitor(context, town, look, scripts)
    try:
        yield visitor
    finally:
        context.close()
    assert not visitor.faults, "\n".join(visitor.faults)
