"""The same pace for good: none at all, or so many pushes a week, whatever comes of them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from andante.baselines.sender import by_day, nothing
from andante.vocabulary.flow import OUTCOME_CODES
from andante.vocabulary.message import OutcomeType
from andante.worlds.contract import SEND, WEEK_S, Crowd, Floats, Ints, Tick

CREDIT_MAX = 2.0
"""Most pushes that a user's credit saves up where no request came, or only by night."""

_UNSUBSCRIBED = OUTCOME_CODES[OutcomeType.UNSUBSCRIBED]


@dataclass(frozen=True, slots=True)
class NoPush:
    """Sends nothing: what users are worth of their own accord."""

    def begin(self, crowd: Crowd) -> None:
        """Get ready for these users."""

    def decide(self, tick: Tick) -> NDArray[np.void]:  # noqa: ARG002  whatever is asked
        """Send nothing."""
        return nothing()


@dataclass(slots=True)
class Pace:
    """Sends ``per_week`` pushes a week to each user, evenly and by day, until the user unsubscribes.

    ``per_week`` is one number for all users, or one for each, shape [users]. A user's credit fills evenly; the first
    request that finds credit for a push is answered with the candidate of which the shop declares most (value times
    relevance). The seed spreads users' first pushes. At most one push a tick goes to a user.
    """

    per_week: float | Floats
    seed: int
    _crowd: Crowd = field(init=False)
    _per_second: Floats = field(init=False)
    _credit: Floats = field(init=False)

    def begin(self, crowd: Crowd) -> None:
        """Get ready for these users."""
        self._crowd = crowd
        self._per_second = np.broadcast_to(np.asarray(self.per_week, np.float64) / WEEK_S, (crowd.users,)).copy()
        self._credit = np.random.default_rng(self.seed).random(crowd.users)

    def decide(self, tick: Tick) -> NDArray[np.void]:
        """Return what goes out in this tick."""
        left = tick.outcomes["user"][tick.outcomes["type"] == _UNSUBSCRIBED]
        self._per_second[left] = 0.0
        self._credit += self._per_second * (tick.until_s - tick.from_s)
        np.minimum(self._credit, CREDIT_MAX, out=self._credit)
        user, at_s = tick.requests["user"], tick.requests["at_s"]
        due = (self._credit[user] >= 1) & (self._per_second[user] > 0) & by_day(at_s, self._crowd.offset_s[user])
        asked = np.flatnonzero(due)
        asked = np.sort(asked[np.unique(user[asked], return_index=True)[1]])
        place, live = _best(tick, asked)
        asked, place = asked[live], place[live]
        self._credit[user[asked]] -= 1
        sends = np.zeros(len(asked), SEND)
        sends["candidate"], sends["at_s"] = tick.number_first + place, at_s[asked]
        return sends


def _best(tick: Tick, asked: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Return the place of the most promising candidate of each of these requests, and whether it can be sent."""
    requests, candidates = tick.requests[asked], tick.candidates
    promise = candidates["value"] * candidates["relevance"]
    best, most = requests["first"].copy(), np.full(len(asked), -np.inf)
    for turn in range(int(requests["count"].max(initial=0))):
        place = np.minimum(requests["first"] + turn, len(candidates) - 1)
        live = (turn < requests["count"]) & (candidates["expires_s"][place] > requests["at_s"])
        better = live & (promise[place] > most)
        best, most = np.where(better, place, best), np.where(better, promise[place], most)
    return best, np.isfinite(most)
