"""The watch: it follows the log, keeps what the pages show, and never holds the writer up."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from andante.live.hashing import user_key
from andante.monitoring import alarms as alarming
from andante.monitoring import gauges as gauging
from andante.monitoring import lift as lifting
from andante.monitoring import series as telling
from andante.monitoring.lots import lots
from andante.monitoring.people import WEEK_US
from andante.monitoring.tail import Tail
from andante.monitoring.tally import HOUR_US, Tally
from andante.vocabulary.fault import NotEnoughData

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from andante.monitoring.alarms import Alarm
    from andante.monitoring.gauges import Drift, SurveyLike
    from andante.monitoring.lift import Compared, Fairness, Lift
    from andante.monitoring.series import Campaign, Series
    from andante.monitoring.tail import Candidate, Chunk, Said

HISTORY_S = 35 * 86_400
"""How far back counts are kept: three weeks of a baseline, and the two weeks that are held against it."""

ROWS_A_LOOK = 10_000
ROWS_AT_FIRST = 1_000_000
USERS_MAX = 100_000


class _Holdout(NamedTuple):
    """What decides who is held out, and since when it does."""

    seed: int
    share: float
    since_us: int | None  # None: since before the history


class Watch:
    """Series, reasons, campaigns, alarms, drift, lift and fairness of one log.

    ``look`` reads on, and everything else answers from memory as of the last look, but for ``lift`` and ``fairness``,
    which ask the log who its users are. All may be called from any thread, and all block: ``look`` for a tenth of a
    second or so, ``lift`` for up to a second where there are many users, once an hour of event time.

    Memory, which does not grow with the log: ``nbytes``, about 30 MB, and 42 bytes a user up to ``users_max``.

    Event times say when something was; a record that says more than an hour ahead of now, or a time before the
    history, is not counted. Where nobody looked while the engine wrote, or the process is new, the first looks read
    what the history holds, at most ``rows_at_first``: the same records give the same figures, whoever looked when.
    Surveys and the records of users who were erased since are the exception: they are not in the log.
    """

    def __init__(  # noqa: PLR0913  four bounds and a seed, each with a default
        self,
        database: Path,
        *,
        history_s: int = HISTORY_S,
        rows_a_look: int = ROWS_A_LOOK,
        rows_at_first: int = ROWS_AT_FIRST,
        users_max: int = USERS_MAX,
        seed: int = 1,
    ) -> None:
        """Store what is watched; nothing is opened. ``seed`` draws the resamples of intervals."""
        self._tail, self._seed = Tail(database), seed
        self._history_us, self._rows_a_look, self._rows_at_first = history_s * 1_000_000, rows_a_look, rows_at_first
        self._users_max = users_max
        self._looking, self._guard = Lock(), Lock()
        self._said: Said | None = None
        self._gauges = gauging.Gauges(self._history_us)
        self._tally = Tally(self._history_us, users_max)
        self._after = self._began_after = self._now_us = 0
        self._cost, self._holdout, self._changed = 0.0, _Holdout(0, 0.0, None), False
        self._lift: tuple[object, Lift] | None = None
        self._fairness: tuple[object, Fairness] | None = None

    @property
    def nbytes(self) -> int:
        """The memory of the counts."""
        return self._tally.nbytes

    def look(self, now_us: int) -> bool:
        """Read what the log newly holds, at most so many rows; return whether there is more.

        Raises StoreFault where the log cannot be read; the next look goes on where this one stood.
        """
        with self._looking:
            said = self._tail.said()
            if self._said is None or said.log_name != self._said.log_name or said.last < self._after:
                self._begin(said, now_us)
            self._said = said
            chunk = self._tail.read(self._after, self._rows_a_look)
            sent = self._sent(chunk)
            with self._guard:
                self._now_us = max(self._now_us, now_us)
                self._tally.turn(now_us)
                self._tally.take(chunk, self._costs(chunk), sent)
                self._after = chunk.position
            return self._after < said.last

    def note(self, survey: SurveyLike) -> None:
        """Keep what a survey of the population says, in the hour of its time."""
        with self._guard:
            self._gauges.note(survey)

    def series(self, span_s: float, buckets: int = 60) -> Series:
        """Return the last seconds of event time, in about so many buckets. Raises InputFault for what cannot be."""
        with self._guard:
            return telling.series(self._tally, self._gauges, self._now_us, span_s, buckets)

    def reasons(self, span_s: float) -> dict[str, int]:
        """Return how many decisions of a span sent nothing, by why, the most frequent first."""
        with self._guard:
            return telling.reasons(self._tally, self._now_us, span_s)

    def campaigns(self, span_s: float) -> tuple[Campaign, ...]:
        """Return the campaigns that sent in a span, and what came of these pushes, the largest first."""
        with self._guard:
            return telling.campaigns(self._tally, self._now_us, span_s)

    def alarms(self, now_us: int) -> tuple[Alarm, ...]:
        """Return what is wrong now, the latest first. Raises NotEnoughData before the first look."""
        said = self._seen()
        with self._guard:
            return alarming.alarms(self._tally, now_us, users=said.users, budget=said.budget_per_user_week)

    def drift(self) -> Drift:
        """Compare the plans of now with those of a week ago."""
        with self._guard:
            return gauging.drift(self._tally, self._gauges, self._now_us)

    def lift(self, now_us: int) -> Lift:
        """Return what pushes brought, anew in every hour of event time. Raises NotEnoughData before the first look."""
        self._seen()
        holdout = self._holdout
        since_us = self._since(now_us, holdout.since_us)
        kept = now_us // HOUR_US, since_us, holdout
        if self._lift is None or self._lift[0] != kept:
            users = self._compared(now_us, since_us, holdout.seed)
            self._lift = kept, lifting.lift(users, holdout.share, seed=self._seed)
        return self._lift[1]

    def fairness(self, now_us: int) -> Fairness:
        """Compare members with ordinary users, anew in every hour. Raises NotEnoughData before the first look."""
        self._seen()
        since_us = self._since(now_us, None)
        kept = now_us // HOUR_US, since_us
        if self._fairness is None or self._fairness[0] != kept:
            users = self._compared(now_us, since_us, self._holdout.seed)
            self._fairness = kept, lifting.fairness(users, seed=self._seed)
        return self._fairness[1]

    def _begin(self, said: Said, now_us: int) -> None:
        """Begin with this log, where its history begins."""
        after = self._tail.start(said.last, now_us - self._history_us, self._rows_at_first)
        held = self._tail.held(after)
        with self._guard:
            if self._said is not None:  # it was another log
                self._gauges = gauging.Gauges(self._history_us)
            self._tally = Tally(self._history_us, self._users_max)
            self._after = self._began_after = after
            self._now_us, self._cost, self._holdout, self._changed = 0, 0.0, _Holdout(0, 0.0, None), False
            self._lift = self._fairness = None
            if after:
                self._publish(said.parameters if held is None else held, first=True)

    def _seen(self) -> Said:
        if self._said is None:
            raise NotEnoughData("the watch", "0 looks", "has seen nothing yet", "let it look first")
        return self._said

    def _sent(self, chunk: Chunk) -> dict[int, tuple[int, Candidate]]:
        """Return the pushes that outcomes came of, and when: most stand in the log further back."""
        wanted = {outcome.decision for outcome in chunk.outcomes}
        near = [one for one in chunk.decisions if one.position in wanted] if wanted else []
        far = self._tail.sent(sorted(wanted - {one.position for one in near}))
        return {one.position: (one.at_us, one.push) for one in (*near, *far) if one.push is not None}

    def _costs(self, chunk: Chunk) -> NDArray[np.float64]:
        """Return what a message cost at each decision, and follow what is published between them. Shape [decisions]."""
        costs, begun = np.empty(len(chunk.decisions)), 0
        places = [bisect_left(chunk.decisions, at, key=attrgetter("position")) for at, _ in chunk.parameters]
        for place, (position, parameters) in zip(places, chunk.parameters, strict=True):
            self._follow(chunk, costs, begun, place)
            self._publish(parameters, first=position == 1)
            begun = place
        self._follow(chunk, costs, begun, len(costs))
        return costs

    def _follow(self, chunk: Chunk, costs: NDArray[np.float64], begun: int, end: int) -> None:
        """Let what holds now hold for the decisions in these places."""
        costs[begun:end] = self._cost
        if self._changed and begun < end:  # published on the engine's clock, it holds from this one's event time on
            self._holdout, self._changed = self._holdout._replace(since_us=chunk.decisions[begun].at_us), False

    def _publish(self, parameters: NDArray[np.void] | None, *, first: bool) -> None:
        if parameters is None:
            return
        held = parameters[0]
        self._cost = float(held["message_cost"])
        seed, share = int(held["seed"]), float(held["holdout"])
        if first:
            self._holdout = _Holdout(seed, share, None)
        elif (seed, share) != self._holdout[:2]:
            self._holdout, self._changed = _Holdout(seed, share, self._holdout.since_us), True

    def _since(self, now_us: int, changed_us: int | None) -> int:
        """Return since when users can be compared: from the log's first decision, or a whole week of the history."""
        oldest_us, first_us = now_us - self._history_us, self._tally.first_decision_us
        if first_us is None:
            return now_us
        since_us = first_us if not self._began_after and first_us >= oldest_us else _next_week(max(oldest_us, first_us))
        return since_us if changed_us is None else max(since_us, _next_week(changed_us))

    def _compared(self, now_us: int, since_us: int, seed: int) -> Compared:
        people = self._tail.people(self._users_max)
        with self._guard:
            tables = self._tally.people.since(since_us // WEEK_US)
        users = len(people.ids)
        sends, visits, bought = (np.pad(table, ((0, 0), (0, users)))[:, :users] for table in tables)
        return lifting.Compared(
            sends=sends,
            visits=visits,
            bought=bought,
            known=np.array([user_id is not None for user_id in people.ids], bool),
            lot=lots(seed, [0 if user_id is None else user_key(user_id) for user_id in people.ids]),
            member=np.isin(np.arange(users), people.members),
            users_all=people.users,
            since_us=min(since_us, now_us),
            now_us=now_us,
        )


def _next_week(at_us: int) -> int:
    """Return when the week begins that is the first to lie wholly after a time."""
    return -(-at_us // WEEK_US) * WEEK_US
