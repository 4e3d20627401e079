"""The scenario: what happens when, and what shoppers want. None of it is measured; it is made so that much is seen.

The shoppers themselves are those of the reference world, with its published figures. What is set up here, and nowhere
else, is this:

- a new demonstration hurries through its first night and day, so that there is a past to compare with;
- a campaign that is as good as any other, four hours after the beginning;
- a *bad* campaign on the third morning, six seconds after the hurry at an hour a second, which promises much to
  everybody, is opened by few, and makes one in eight who get it leave. A real shop loses one in five hundred.
  Monitoring has to notice it within hours of the demonstration;
- both again every ten days;
- some of those whom the bad campaign reached turn their dial down, pause, or complain in words;
- each day at midnight, UTC, everybody's plan is made anew, for the budget; at least one push a week for those who did
  nothing for long, so that they hear of the shop at all;
- each day, a few shoppers think about how often they want to hear from the shop, and one shopper in twenty has never
  agreed to be pushed at all.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from andante.demonstration.names import CHANNEL, Told, at, shopper_id
from andante.demonstration.town import Reached
from andante.worlds.contract import DAY_S, HOUR_S, WEEK_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

SHOPPERS = 400
SEED = 7

HISTORY_DAYS = 14
"""What a new shop knows of its shoppers: what they did in so many days before. Nobody was pushed then."""

HURRY_H = 40
"""So many hours of a new demonstration pass as fast as can be: alarms compare a day with those before the last one."""

HURRY_FROM = 600.0
"""Who asks for a speed below this, ten minutes a second, does not want to hurry."""

SILENT_SHARE = 0.05
"""Share of shoppers who never agreed to be pushed."""

SETTINGS: dict[str, Any] = {
    "pacing": {"default_per_week": 7.0, "burst": 2.5},
    "plan": {"f_min_per_week": 1.0},
    "budget": {"per_user_week": 6.0, "controller": True, "every": "PT1H"},
    "caps": [{"scope": "global", "limit": 2, "window": "P1D"}],
    "gap": {"minimum": "PT2H"},
    "quiet_hours": {"start": "22:00", "end": "08:00"},
    "experiment": {"holdout": 0.1, "explore": 0.1},
    "learning": {"open_rate_weight": 10.0},
    "operators": {"approval_above": 50},  # so that a campaign among 400 can be large
}
"""Settings of a new demonstration without a configuration of its own: livelier than the defaults."""


class Campaign(NamedTuple):
    """A push to everybody at once."""

    name: str
    hour: int  # after the beginning
    relevance: float  # as its marketer declares it, and ``value``
    value: float
    appeal: float  # what the chance of being opened is multiplied by, in truth
    annoyance: float  # what the hazard of leaving is multiplied by


CAMPAIGNS = (
    Campaign("spring-sale", 4, relevance=4.0, value=15.0, appeal=4.0, annoyance=1.0),
    Campaign("last-chance", 46, relevance=8.0, value=40.0, appeal=0.4, annoyance=150.0),
)
EVERY_DAYS = 10
WITHIN_H = 10
"""How long a campaign is tried to be sent."""

_REACTIONS = (("dial", 0.12), ("pause", 0.06), ("words", 0.05), ("dislike", 0.1))
_WORDS = (
    "You have sent me the same offer again. Please write less often.",
    "“Last chance” every week: I do not believe you any more.",
    "最近推送太多了，内容也跟我没有关系，请少发一些。",
    "I bought this already. Why do you still advertise it to me?",
    "晚饭时间收到这种广告，很烦。",
)
_THINKING_SHARE = 0.01  # of shoppers, a day
_DIALS = (1, 2, 3, 5)


class Wish(NamedTuple):
    """Something that a shopper says by themselves, at a time."""

    at_s: int
    user_id: str
    kind: str  # preferences, words, or dislike
    told: Told


def campaigns_at(first_s: int, life: int, from_s: int, until_s: int, shoppers: Sequence[str]) -> list[Told]:
    """Return the requests of campaigns that begin within ``[from_s, until_s)``, counted from a life's beginning."""
    return [
        _request(campaign, f"{campaign.name}-{life}-{turn}", begins_s, user_id)
        for campaign in CAMPAIGNS
        for turn, begins_s in _turns(campaign, first_s, from_s, until_s)
        for user_id in shoppers
    ]


def reached(user: int, at_s: int, category: str, campaign_id: str) -> Reached:
    """Return a push that the world has not offered as its shopper meets it: one of a campaign, or just some push."""
    known = next((one for one in CAMPAIGNS if campaign_id.startswith(f"{one.name}-")), None)
    if known is None:
        return Reached(user, at_s, None, category)
    return Reached(user, at_s, None, category, known.appeal, known.annoyance)


def reactions(push: Reached, user_id: str, decision_id: str, draw: Random) -> list[Wish]:
    """Return what a shopper says of a push by themselves, a while later. Most say nothing."""
    if push.annoyance <= 1.0:
        return []
    drawn, after_s = draw.random(), push.at_s + int(HOUR_S * draw.uniform(0.3, 5.0))
    for kind, share in _REACTIONS:
        drawn -= share
        if drawn < 0:
            return [_reaction(kind, user_id, decision_id, after_s, draw)]
    return []


def thoughts(shoppers: Sequence[str], day_s: int, draw: Random) -> list[Wish]:
    """Return what a few shoppers decide in the course of a day."""
    thinking = draw.sample(shoppers, max(1, round(_THINKING_SHARE * len(shoppers))))
    return [_dial(user_id, day_s + int(DAY_S * draw.random()), draw) for user_id in thinking]


def _turns(campaign: Campaign, first_s: int, from_s: int, until_s: int) -> list[tuple[int, int]]:
    """Return the turns of a campaign that begin within ``[from_s, until_s)``: which, and when."""
    begins_s, every_s = first_s + campaign.hour * HOUR_S, EVERY_DAYS * DAY_S
    turn = max(0, -(-(from_s - begins_s) // every_s))
    last = -(-(until_s - begins_s) // every_s)
    return [(number, begins_s + number * every_s) for number in range(turn, last)]


def _request(campaign: Campaign, name: str, at_s: int, user_id: str) -> Told:
    candidate = {
        "candidate_id": name,
        "campaign_id": name,
        "item_id": name,
        "category": "promotion",
        "channel": CHANNEL,
        "relevance": campaign.relevance,
        "value": campaign.value,
        "expires_at": at(at_s + WITHIN_H * HOUR_S),
    }
    return {"user_id": user_id, "candidates": [candidate], "at": at(at_s)}


def _reaction(kind: str, user_id: str, decision_id: str, at_s: int, draw: Random) -> Wish:
    if kind == "dial":
        return _dial(user_id, at_s, draw, _DIALS[:2])
    if kind == "pause":
        return Wish(at_s, user_id, "preferences", {"paused_until": at(at_s) + timedelta(seconds=WEEK_S)})
    if kind == "words":
        return Wish(at_s, user_id, kind, {"user_id": user_id, "text": draw.choice(_WORDS)})
    return Wish(at_s, user_id, kind, {"decision_id": decision_id, "type": "not_interested", "at": at(at_s)})


def _dial(user_id: str, at_s: int, draw: Random, dials: Sequence[int] = _DIALS) -> Wish:
    return Wish(at_s, user_id, "preferences", {"max_per_week": draw.choice(dials)})


def everybody(count: int) -> list[str]:
    """Return the ids of all shoppers."""
    return [shopper_id(row) for row in range(count)]
