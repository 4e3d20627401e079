"""Offers: what the shop asks to push. It declares relevance and value as it knows them: with noise.

Scheduled requests come in parts of the day, by the user's clock; a triggered one follows a visit with a search or a
cart. A candidate is *plain*, *targeted* or *triggered*, and on one of eight themes; its category says which kind it is.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from andante.vocabulary.flow import CANDIDATE
from andante.worlds.chance import (
    BAIT,
    CANDIDATE_DRAWS,
    DAYS,
    KIND,
    NOISE,
    OFFER_AT,
    ONCE,
    PART,
    SECOND,
    THEME,
    WORTH,
    roughly_normal,
    uniform,
)
from andante.worlds.chance import CANDIDATE as CANDIDATE_PURPOSES
from andante.worlds.compiling import entry, kernel
from andante.worlds.contract import HOUR_S, REQUEST, Floats, Ints, Mask
from andante.worlds.moods import Moods
from andante.worlds.nature import Nature
from andante.worlds.people import People
from andante.worlds.shelf import Shown

PLAIN, TARGETED, TRIGGERED = 0, 1, 2
CATEGORIES = ("promotion", "recommendation", "reminder")
"""Names of the category codes of candidates: plain, targeted and triggered ones."""

CHANNELS = ("push",)
"""Names of the channel codes."""

THEMES = 8
THEME_WORTH = (0.6, 0.75, 0.85, 0.95, 1.0, 1.1, 1.25, 1.5)
"""What an order's margin is multiplied by where a push of this theme led to it; the mean is 1. Choice."""

PER_REQUEST_MAX = 2
_PART_H = 3
_TASTE = 40  # purposes of ONCE, from here: two for each theme
_SPREAD_CAMPAIGN, _SPREAD_CONTENT = 2654435761, 40503


class Terms(NamedTuple):
    """Numbers of ``nature.offering`` and of relevance, for compiled code."""

    parts_h: Ints
    part_shares: Floats
    second: float
    multipliers: Floats  # of plain, targeted and triggered ones, by that of the usual push
    targeted: float
    taste_spread: float
    taste_turn: float  # radians per hour
    relevance_noise: float
    value_noise: float
    value: float
    theme_worth: Floats
    bait: float
    bait_relevance: float
    life_s: Ints  # of plain, targeted and triggered ones


class Sheet(NamedTuple):
    """Room for the offers of one hour: requests, then candidates."""

    user: Ints
    at_s: Ints
    first: Ints
    many: Ints  # candidates
    kind: NDArray[np.uint8]
    theme: NDArray[np.uint8]
    multiplier: Floats
    worth: Floats
    bait: Mask
    relevance: Floats  # as declared
    value: Floats  # as declared
    part: Ints


def terms(nature: Nature) -> Terms:
    """Return the terms that follow from a world's parameters."""
    offering, opening = nature.offering, nature.opening
    relevance = np.array([opening.plain, opening.targeted, opening.triggered])
    scheduled_s = offering.life_scheduled_h * HOUR_S
    return Terms(
        parts_h=np.array(offering.parts_h),
        part_shares=np.array(offering.part_shares),
        second=offering.second,
        multipliers=relevance / opening.usual,
        targeted=offering.targeted,
        taste_spread=opening.taste_spread,
        taste_turn=math.radians(opening.taste_turn) / 168,
        relevance_noise=offering.relevance_noise,
        value_noise=offering.value_noise,
        value=nature.buying.margin_mean,
        theme_worth=np.array(THEME_WORTH),
        bait=offering.bait,
        bait_relevance=offering.bait_relevance,
        life_s=np.array([scheduled_s, scheduled_s, offering.life_triggered_h * HOUR_S]),
    )


def sheet(users: int, triggered: int) -> Sheet:
    """Return room for the offers of one hour."""
    asked = users + triggered
    many = asked * PER_REQUEST_MAX
    return Sheet(
        user=np.zeros(asked, np.int64),
        at_s=np.zeros(asked, np.int64),
        first=np.zeros(asked, np.int64),
        many=np.zeros(asked, np.int64),
        kind=np.zeros(many, np.uint8),
        theme=np.zeros(many, np.uint8),
        multiplier=np.zeros(many),
        worth=np.zeros(many),
        bait=np.zeros(many, np.bool_),
        relevance=np.zeros(many),
        value=np.zeros(many),
        part=np.zeros(many, np.int64),
    )


@cache
def offered() -> Callable[..., tuple[int, int]]:
    """Return the compiled writing of an hour's offers; it returns the numbers of requests and candidates."""
    write: Callable[..., tuple[int, int]] = entry(_make_offered)
    return write


def _make_offered(digest: str) -> Callable[..., tuple[int, int]]:
    def write(  # noqa: PLR0913, PLR0917  a compiled loop is given its whole world
        terms: Terms,
        people: People,
        moods: Moods,
        triggered: np.ndarray,
        triggered_at_s: np.ndarray,
        hour: int,
        start_s: int,
        sheet: Sheet,
    ) -> tuple[int, int]:
        _ = len(digest)
        requests, candidates = 0, 0
        for user in range(people.key.size):
            if people.joined_h[user] > hour or not (
                moods.subscribed[user] or (not moods.installed[user] and not moods.bounced[user])
            ):
                continue
            part = _part(terms, people.key[user], hour + people.offset_h[user])
            if part < 0:
                continue
            key = people.key[user]
            at_s = start_s + hour * HOUR_S + int(HOUR_S * uniform(key, hour, OFFER_AT))
            many = 2 if uniform(key, hour, SECOND) < terms.second else 1
            for turn in range(many):
                kind = (
                    1 if uniform(key, hour, CANDIDATE_PURPOSES + CANDIDATE_DRAWS * turn + KIND) < terms.targeted else 0
                )
                _describe(terms, key, hour, turn, kind, part, sheet, candidates + turn)
            sheet.user[requests], sheet.at_s[requests] = user, at_s
            sheet.first[requests], sheet.many[requests] = candidates, many
            requests += 1
            candidates += many
        for place in range(triggered.size):
            user = triggered[place]
            if not moods.subscribed[user]:
                continue
            _describe(terms, people.key[user], hour, PER_REQUEST_MAX, 2, len(terms.parts_h), sheet, candidates)
            sheet.user[requests], sheet.at_s[requests] = user, triggered_at_s[place]
            sheet.first[requests], sheet.many[requests] = candidates, 1
            requests += 1
            candidates += 1
        return requests, candidates

    return write


@kernel
def _part(terms: Terms, key: np.uint64, local_h: int) -> int:
    """Return the part of the day whose request comes in this local hour, or -1. One draw a part and day decides."""
    hour_of_day, day = local_h % 24, local_h // 24
    for part in range(terms.parts_h.size):
        into = hour_of_day - terms.parts_h[part]
        if into < 0 or into >= _PART_H:
            continue
        drawn = uniform(key, DAYS + day, PART + part)
        share = terms.part_shares[part]
        return part if drawn < share and int(_PART_H * drawn / share) == into else -1
    return -1


@kernel
def _describe(  # noqa: PLR0913, PLR0917  a kernel is given its whole world
    terms: Terms,
    key: np.uint64,
    hour: int,
    turn: int,
    kind: int,
    part: int,
    sheet: Sheet,
    place: int,
) -> None:
    """Draw one candidate: what it is in truth, and what the shop declares."""
    purpose = CANDIDATE_PURPOSES + CANDIDATE_DRAWS * turn
    theme = int(THEMES * uniform(key, hour, purpose + THEME))
    bait = kind == 0 and uniform(key, hour, purpose + BAIT) < terms.bait
    turned = terms.taste_turn * hour
    one, other = roughly_normal(key, ONCE, _TASTE + theme), roughly_normal(key, ONCE, _TASTE + THEMES + theme)
    spread, noise = terms.taste_spread, terms.relevance_noise
    usual = terms.multipliers[kind] * (terms.bait_relevance if bait else 1.0)
    liked = math.cos(turned) * one + math.sin(turned) * other
    sheet.kind[place], sheet.theme[place], sheet.bait[place], sheet.part[place] = kind, theme, bait, part
    sheet.multiplier[place] = usual * math.exp(spread * liked - spread * spread / 2.0)
    sheet.worth[place] = 0.0 if bait else terms.theme_worth[theme]
    # The shop knows the taste that a user had at the beginning.
    heard = (
        spread * one - spread * spread / 2.0 + noise * roughly_normal(key, hour, purpose + NOISE) - noise * noise / 2.0
    )
    sheet.relevance[place] = usual * math.exp(heard)
    spread = terms.value_noise
    declared = math.exp(spread * roughly_normal(key, hour, purpose + WORTH) - spread * spread / 2.0)
    sheet.value[place] = terms.value * terms.theme_worth[theme] * declared


def as_requests(sheet: Sheet, requests: int) -> NDArray[np.void]:
    """Return the requests of an hour, by time."""
    order = np.argsort(sheet.at_s[:requests], kind="stable")
    rows = np.zeros(requests, REQUEST)
    columns = {"user": sheet.user, "at_s": sheet.at_s, "first": sheet.first, "count": sheet.many}
    for name, column in columns.items():
        rows[name] = column[:requests][order]
    return rows


def as_candidates(  # noqa: PLR0913, PLR0917  an hour's offers, and what else is known of them
    terms: Terms, sheet: Sheet, requests: int, candidates: int, hour: int, leaving: float
) -> tuple[NDArray[np.void], Shown]:
    """Return the candidates of an hour: as the shop declares them, and as they are."""
    count = sheet.many[:requests]
    user, asked_s = np.repeat(sheet.user[:requests], count), np.repeat(sheet.at_s[:requests], count)
    kind, theme = (column[:candidates].astype(np.int64) for column in (sheet.kind, sheet.theme))
    rows = np.zeros(candidates, CANDIDATE)
    rows["value"], rows["relevance"] = sheet.value[:candidates], sheet.relevance[:candidates]
    rows["expires_s"] = asked_s + terms.life_s[kind]
    # A plain campaign is one part of one day's; the others run on, one a theme.
    campaign = np.where(kind == PLAIN, 1 + 4 * (hour // 24) + sheet.part[:candidates], 2**16 * kind + theme)
    rows["campaign"] = campaign
    rows["content"] = (campaign * _SPREAD_CAMPAIGN + theme * _SPREAD_CONTENT) % 2**32 | 1
    rows["category"] = kind
    bait = sheet.bait[:candidates]
    shown = Shown(
        user=user,
        expires_s=rows["expires_s"].copy(),
        multiplier=sheet.multiplier[:candidates].copy(),
        worth=sheet.worth[:candidates].copy(),
        leaving=np.where(bait, leaving, 1.0),
        sent=np.zeros(candidates, np.bool_),
    )
    return rows, shown
