"""Books over files of a test, a clock that is set by hand, and an engine whose users all consented."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from andante import Engine
from andante.live.clock import SteadyClock
from andante.operators import Books
from andante.settings.sections.operators import OperatorSettings

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
NOON_US = int(NOON.timestamp()) * 1_000_000
SECRET = "of the tests alone"  # noqa: S105  it guards nothing
OPEN = {
    "experiment": {"holdout": 0.0, "explore": 0.0},
    "gap": {"minimum": "PT0S"},
    "caps": [{"scope": "global", "limit": 3, "window": "P1D"}],
    "pacing": {
        "default_per_week": 168.0,
        "most_per_week": 168.0,
        "burst": 32.0,
        "patience": 0.0,
        "floor": 0.0,
        "temperature": 0.0,
        "explore_candidates": 0.0,
        "message_cost": 0.0,
        "refusal_loss": 0.0,
        "refusal_loss_pushes": 0.0,
    },
}
"""Settings under which only the rules hold a push back."""

SPRING = {"name": "Spring", "category": "promotion", "channel": "push", "message": {"title": "Spring is here"}}


def clock():
    """A clock that stands at noon."""
    return SteadyClock(lambda: NOON_US, lambda: 0)


@contextmanager
def books(folder=None, engine=None, **settings):
    """Books in a folder, or in memory."""
    path = ":memory:" if folder is None else folder / "shop.db.operators"
    with Books.open(path, clock(), settings=OperatorSettings(**settings), secret=SECRET, engine=engine) as opened:
        yield opened


@contextmanager
def engine_of(users=(), path=":memory:", config=None):
    """An engine that these users let push, long enough ago for their credit to be full."""
    with Engine.open(path, OPEN if config is None else config, clock=clock()) as engine:
        ago = NOON - timedelta(days=30)
        for user in users:
            engine.set_preferences(user, {"consent": {"push": True}, "at": ago})
        if users:
            asked = {"candidate_id": "first", "category": "promotion", "channel": "push", "value": 0.0}
            engine.decide([{"user_id": user, "candidates": [asked], "at": ago} for user in users])
        yield engine


def approved(opened, campaign=None, reach=0):
    """The id of a campaign that may be started."""
    filed = opened.campaigns.create("ann", SPRING if campaign is None else campaign)
    opened.campaigns.submit("ann", filed.campaign_id, reach)
    if opened.campaigns.of(filed.campaign_id).is_large:
        opened.campaigns.approve("bea", filed.campaign_id)
    return filed.campaign_id


def started(opened, campaign=None, reach=0):
    """The id of a campaign that runs."""
    campaign_id = approved(opened, campaign, reach)
    opened.campaigns.start("ann", campaign_id)
    return campaign_id
