"""Browsing: what users do on their visits, from the first search to the basket that is paid."""

from dataclasses import dataclass

import numpy as np

from andante.simulation.attendance import FAVORITE_SHARE, SEARCH_FIRST, SEARCH_LATER, Attendance
from andante.simulation.catalogue import Catalogue
from andante.simulation.chance import Floats, Ints, Mask, places
from andante.simulation.trail import CART, FAVORITE, PURCHASE, SEARCH, VIEW, Place, Trail, joined
from andante.simulation.visits import Visits, taste, visits

PAUSE_MEDIAN_S, PAUSE_SIGMA, PAUSE_MAX_S = 25.0, 1.1, 1200.0
"""Pauses between the steps of a visit: seconds to minutes, always below the half hour that ends a session."""
FOCUS_SHARE = 0.8
"""Share of a visit's steps that stay in the category it is about."""
HABIT_SHARE = 0.35
"""Share of steps that go back to items and phrases of the user's own."""
INTENT_SHAPE = 0.4
"""Visits differ in intent by a gamma factor of mean 1 and this shape: most fill no cart, a few do it well."""
PHRASE_SKEW = 2.0
"""Phrases are drawn at a uniform number to this power, so the short ones that lead the list are common."""


@dataclass(frozen=True, slots=True)
class Path:
    """The steps of all visits, those of one visit side by side and in order."""

    trail: Trail
    visit: Ints  # the visit that each step belongs to
    pause_us: Ints  # until the next step


def browse(place: Place, crowd: Attendance, catalogue: Catalogue, language_shares: Floats, scale: float) -> Trail:
    """Return all events of a block of users that lie in the log's window, in no particular order.

    ``language_shares`` says how many users search in each language of the catalogue; ``scale`` multiplies how
    often people come.
    """
    tastes = taste(place.chance("taste"), place.users, len(catalogue.names))
    come = visits(place, crowd, tastes, scale)
    language = np.searchsorted(np.cumsum(language_shares)[:-1], place.chance("language").random(place.users), "right")
    path = _path(place, come, catalogue, language)
    views = path.trail.kind == VIEW
    favorites = views & (place.chance("favorites").random(views.size) < FAVORITE_SHARE)
    carts, paid = _baskets(place.chance("baskets"), crowd, come, path, views)
    every = joined(path.trail, _soon_after(path, favorites, FAVORITE), carts, _priced(place, paid, catalogue))
    return every.take(place.within(every.at_us))


def _path(place: Place, come: Visits, catalogue: Catalogue, language: Ints) -> Path:
    rng = place.chance("steps")
    visit = np.repeat(np.arange(come.user.size), come.steps)
    user = come.user[visit]
    place_in_visit = places(come.steps)
    category = np.where(rng.random(visit.size) < FOCUS_SHARE, come.focus[visit], come.aside[visit])
    wish = np.where(
        rng.random(visit.size) < HABIT_SHARE,
        _habit(rng, user, category, language.size),
        rng.random(visit.size),
    )
    searches = rng.random(visit.size) < np.where(place_in_visit == 0, SEARCH_FIRST, SEARCH_LATER)
    pause_us = _pauses_us(rng, visit.size)
    began_us = np.cumsum(pause_us) - pause_us
    elapsed_us = began_us - began_us[np.arange(visit.size) - place_in_visit]
    trail = Trail(
        user=user,
        at_us=come.at_us[visit] + elapsed_us,
        kind=np.where(searches, SEARCH, VIEW),
        item=np.where(searches, -1, _items(catalogue, category, wish)),
        phrase=np.where(searches, _phrases(catalogue, category, language[user], wish), -1),
        value=np.full(visit.size, np.nan),
    )
    return Path(trail, visit, pause_us)


def _habit(rng: np.random.Generator, user: Ints, category: Ints, users: int) -> Floats:
    """Return one of three numbers in [0, 1) that are each user's own in each category (golden rotations)."""
    own = rng.random(users)
    turn = 0.6180339887 * category + 0.4142135624 * rng.integers(0, 3, user.size)
    return (own[user] + turn) % 1.0


def _pauses_us(rng: np.random.Generator, count: int) -> Ints:
    seconds = PAUSE_MEDIAN_S * np.exp(PAUSE_SIGMA * rng.standard_normal(count))
    milliseconds = (1000 * np.clip(seconds, 1.0, PAUSE_MAX_S)).astype(np.int64)
    return milliseconds * 1000


def _items(catalogue: Catalogue, category: Ints, wish: Floats) -> Ints:
    rank = np.searchsorted(catalogue.item_cumulative[:-1], wish, side="right")
    return category * catalogue.items_per_category + rank


def _phrases(catalogue: Catalogue, category: Ints, language: Ints, wish: Floats) -> Ints:
    rank = (catalogue.phrase_counts[category, language] * wish**PHRASE_SKEW).astype(np.int64)
    return catalogue.phrase_starts[category, language] + rank


def _soon_after(path: Path, chosen: Mask, kind: int) -> Trail:
    """Return an event of ``kind`` on the item of every chosen step, half-way to the next step."""
    seen = path.trail.take(chosen)
    at_us = seen.at_us + path.pause_us[chosen] // 2
    return Trail(seen.user, at_us, np.full(at_us.size, kind), seen.item, seen.phrase, seen.value)


def _baskets(rng: np.random.Generator, crowd: Attendance, come: Visits, path: Path, views: Mask) -> tuple[Trail, Trail]:
    """Return the carts, and the lines that are paid: all carts of a visit at one instant, or none."""
    intent = rng.standard_gamma(INTENT_SHAPE, come.user.size) / INTENT_SHAPE
    wanting = np.minimum(crowd.cart_share[come.user] * intent, 0.9)
    chosen = views & (rng.random(views.size) < wanting[path.visit])
    carts = _soon_after(path, chosen, CART)
    last = np.cumsum(come.steps) - 1
    left_us = path.trail.at_us[last] + path.pause_us[last] + _pauses_us(rng, last.size)
    pays = rng.random(come.user.size) < crowd.checkout[come.user]
    of_visit = path.visit[chosen]
    paid = carts.take(pays[of_visit])
    at_us = left_us[of_visit[pays[of_visit]]]
    return carts, Trail(paid.user, at_us, np.full(at_us.size, PURCHASE), paid.item, paid.phrase, paid.value)


def _priced(place: Place, lines: Trail, catalogue: Catalogue) -> Trail:
    """Return purchase lines with their money: the item's price times a quantity that is mostly one."""
    quantity = 1 + place.chance("quantities").poisson(0.15, lines.item.size)
    money = np.round(catalogue.item_prices[lines.item] * quantity, 2)
    return Trail(lines.user, lines.at_us, lines.kind, lines.item, lines.phrase, money)
