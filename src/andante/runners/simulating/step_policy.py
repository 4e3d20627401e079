"""A policy that decides with the compiled step over columns: the engine, without its ids, texts and disk.

What the live engine does with lists of records, this does with arrays: consents, plans, requests, what is due again,
events, outcomes, the withdrawals that some of them are, and the live budget. Every record gets the number that it would
have in a log, since chance is drawn by it: in the same world it sends the same candidates at the same seconds as the
engine itself (:mod:`~andante.runners.simulating.engine_policy`), at a fraction of the cost: records are stepped by the
hundred.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from andante.engine.batch import Stepped, fold
from andante.live.budget import BudgetController
from andante.live.desk import NO_CANDIDATES, records_of
from andante.live.hashing import user_key
from andante.live.names import Names
from andante.live.parameters import compile_parameters
from andante.runners.simulating.decision_log import DecisionLog
from andante.runners.simulating.question import Question, left_waiting
from andante.runners.simulating.shop import (
    TELLS_EVERY_S,
    Greeter,
    Part,
    Plan,
    category_name,
    channel_name,
    flat,
    joined,
    parts,
    user_id,
    zone_names,
)
from andante.runners.simulating.waiting import WaitingColumns
from andante.settings import Settings
from andante.vocabulary.flow import DECISION, OUTCOME_CODES, RECORD, SETS_MEMBER, SETS_ZONE, VERDICT, Kind
from andante.vocabulary.message import OutcomeType
from andante.vocabulary.reason import Action, Reason
from andante.vocabulary.state import CATEGORIES_MAX, CHANNELS_MAX, MEMBER, new_users
from andante.worlds.contract import SEND
from andante.zones.table import build

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.worlds.contract import Crowd, Ints, Mask, Tick

THREADED_FROM = 4096
"""A fold of fewer records is done sooner by one thread."""

_UNSUBSCRIBED, _COMPLAINED = OUTCOME_CODES[OutcomeType.UNSUBSCRIBED], OUTCOME_CODES[OutcomeType.COMPLAINED]
_NUMBER_BITS, _CODE_BITS = 48, 8


@dataclass(slots=True)
class _Shop:
    """What is kept of a crowd."""

    users: NDArray[np.void]  # USER
    reachable: Mask  # consent was given, and not withdrawn
    waiting: WaitingColumns
    asked: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # by candidate: decision, category, channel


class StepPolicy:
    """Decides with the step. Its ``users`` are the records as of the last tick.

    ``settings`` are the engine's (its defaults, unless given). ``plan`` is asked every week for pushes a week by user.
    With ``log``, ``logged()`` returns every decision with its candidates and verdicts.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        threads: int = 1,
        plan: Plan | None = None,
        log: bool = False,
        every_s: int = TELLS_EVERY_S,
    ) -> None:
        """Store what to decide by; ``every_s`` is how often the shop hands over what happened."""
        self._settings = settings or Settings()
        self._threads, self._every_s = threads, every_s
        self._plan = plan
        self._log = DecisionLog() if log else None

    def begin(self, crowd: Crowd) -> None:
        """Begin with nobody met, as the engine does with an empty log."""
        self._crowd, self._names, self._position = crowd, Names(), 0
        self._budget = BudgetController(self._settings)
        self._channels, self._categories = np.full(CHANNELS_MAX, -1), np.full(CATEGORIES_MAX, -1)
        self._parameters = compile_parameters(self._settings, self._names, version=1)
        self._position += 1  # the parameters are the first record of a log
        self._channel_code(0)
        users = new_users(crowd.users)
        users["key"] = [user_key(user_id(user)) for user in range(crowd.users)]
        self._shop = _Shop(users, np.zeros(crowd.users, bool), WaitingColumns(crowd.users))
        self._greeter = Greeter(crowd, self._plan)
        self._zone_names = zone_names(crowd)
        self._zones = build(self._names.zones)

    def decide(self, tick: Tick) -> NDArray[np.void]:
        """Return what goes out in this tick."""
        self._make_room(tick.number_first + len(tick.candidates))
        sends = [sent for part in parts(tick, self._every_s) for sent in self._part(tick, part)]
        every = joined(sends, SEND)
        return every[np.argsort(every["at_s"], kind="stable")]

    @property
    def users(self) -> NDArray[np.void]:
        """The users' records, of USER, by row of the crowd."""
        return self._shop.users

    @property
    def parameters(self) -> NDArray[np.void]:
        """The parameters that hold now, shape (1,)."""
        return self._parameters

    @property
    def records(self) -> int:
        """How many records a log would hold."""
        return self._position

    @property
    def waiting(self) -> int:
        """How many candidates wait."""
        return len(self._shop.waiting)

    def logged(self) -> Any:
        """Return the decisions so far; needs ``log=True``.

        They are :class:`~andante.runners.simulating.decision_log.Logged`.
        """
        if self._log is None:
            raise RuntimeError("nothing was logged: make the policy with log=True")
        return self._log.columns()

    def _part(self, tick: Tick, part: Part) -> list[NDArray[np.void]]:
        """Tell a part of a tick to the step, in its order; return what goes out, in pieces."""
        self._meet(part)
        sends = [self._ask(due)] if (due := self._due(part.from_s)) else []
        if len(part.requests):
            sends.append(self._ask(self._offered(tick, part.requests)))
        self._learn(part)
        return sends

    def _meet(self, part: Part) -> None:
        """Give consent for users who are seen for the first time, and publish plans where some are due."""
        new, planned, plan = self._greeter.greet(part)
        if len(new):
            self._consent(new, part.from_s)
        if len(planned):
            unknown = {"interest": np.nan, "theta": np.nan}
            per_week = plan[planned]
            self._fold(
                self._records(
                    len(planned), kind=Kind.PLAN, user=planned, at_s=part.from_s, per_week=per_week, **unknown
                )
            )

    def _consent(self, users: Ints, at_s: int) -> None:
        """Take down that these users may be pushed, where they live, and who is a member."""
        self._shop.reachable[users] = True
        offsets = self._crowd.offset_s[users].tolist()
        known = len(self._names.zones)
        zones = {offset_s: self._names.zone(self._zone_names[offset_s]) for offset_s in dict.fromkeys(offsets)}
        if len(self._names.zones) > known:
            self._zones = build(self._names.zones)
        consents = self._records(
            len(users),
            kind=Kind.PREFERENCES,
            user=users,
            at_s=at_s,
            channels_given=1 << self._channel_code(0),
            sets=SETS_ZONE | SETS_MEMBER,
            zone=[zones[offset_s] for offset_s in offsets],
        )
        consents["flags"] = np.where(self._crowd.member[users], MEMBER, 0)
        self._fold(consents)

    def _due(self, now_s: int) -> Question | None:
        due = self._shop.waiting.take_due(now_s)
        if due is None:
            return None
        rows, at_s = due.rows, np.full(len(due.users), now_s)
        return Question(
            Kind.RELEASE, due.users, at_s, due.many, rows["candidate"].copy(), rows["number"], rows["origin"]
        )

    def _offered(self, tick: Tick, requests: NDArray[np.void]) -> Question:
        places = flat(requests["first"], requests["count"])
        candidates = tick.candidates[places]
        self._translate(candidates)
        numbers = tick.number_first + places
        return Question(Kind.REQUEST, requests["user"], requests["at_s"], requests["count"], candidates, numbers, None)

    def _ask(self, question: Question) -> NDArray[np.void]:
        """Have the step decide, let wait what it defers, and return what goes out."""
        first = question.first
        records = self._records(
            len(question.users),
            kind=question.kind,
            user=question.users,
            at_s=question.at_s,
            first=first,
            count=question.count,
        )
        stepped = self._fold(records, question.candidates)
        decisions = stepped.decisions
        sent = np.flatnonzero(decisions["action"] == Action.SEND)
        chosen = first[sent] + decisions["chosen"][sent]
        self._remember(question, chosen, records["number"][sent])
        rows, due_s = left_waiting(question, records, stepped, self._parameters)
        self._shop.waiting.add(rows, due_s)
        if self._log is not None:
            self._log.add(records, question.candidates, question.numbers, stepped)
        self._hold_budget(stepped, sent, chosen, int(question.at_s.max()))
        sends = np.zeros(len(sent), SEND)
        sends["candidate"], sends["at_s"] = question.numbers[chosen], decisions["send_at_s"][sent]
        return sends

    def _remember(self, question: Question, chosen: Ints, decisions: Ints) -> None:
        """Remember which decision sent a candidate, for what comes of it."""
        sent = question.candidates[chosen]
        scope = sent["category"].astype(np.int64) << _CODE_BITS | sent["channel"]
        self._shop.asked[question.numbers[chosen]] = scope << _NUMBER_BITS | decisions.astype(np.int64)

    def _hold_budget(self, stepped: Stepped, sent: Ints, chosen: Ints, at_s: int) -> None:
        """Count what went out by the plan, and move the shadow price where that is due."""
        if not self._budget.on:
            return
        planned = stepped.decisions["reason"][sent] != Reason.TRANSACTIONAL
        worth = float(stepped.verdicts["index"][chosen[planned]].sum())
        if self._budget.count(int(planned.sum()), worth, at_s):
            moved = self._budget.moved(self._parameters, int(np.count_nonzero(self._shop.reachable)), at_s)
            if moved is not None:
                self._parameters = moved
                self._position += 1

    def _learn(self, part: Part) -> None:
        """Step what users did, what came of pushes, and the withdrawals among it."""
        asked = self._asked_of(part.outcomes)
        outcomes, asked = part.outcomes[asked > 0], asked[asked > 0]
        withdraws = (outcomes["type"] == _UNSUBSCRIBED) | (outcomes["type"] == _COMPLAINED)
        if not len(part.events) and not len(outcomes):
            return
        gone, scope = outcomes[withdraws], asked[withdraws] >> _NUMBER_BITS
        channel, category = scope & (1 << _CODE_BITS) - 1, scope >> _CODE_BITS
        number = asked & (1 << _NUMBER_BITS) - 1
        told = [
            self._records(len(part.events), kind=Kind.EVENT, **_columns(part.events)),
            self._records(len(outcomes), kind=Kind.OUTCOME, decision=number, **_columns(outcomes)),
            self._records(
                len(gone),
                kind=Kind.PREFERENCES,
                user=gone["user"],
                at_s=gone["at_s"],
                channels_refused=1 << channel,
                categories_refused=np.where(gone["type"] == _COMPLAINED, 1 << category, 0),
            ),
        ]
        self._fold(joined(told, RECORD))
        if len(gone):
            self._shop.reachable[gone["user"]] = self._shop.users["channels_given"][gone["user"]] > 0

    def _asked_of(self, outcomes: NDArray[np.void]) -> Ints:
        """Return for each outcome what is remembered of its push; 0 where it is none of ours."""
        known = (outcomes["candidate"] >= 0) & (outcomes["candidate"] < len(self._shop.asked))
        asked: Ints = np.zeros(len(outcomes), np.int64)
        asked[known] = self._shop.asked[outcomes["candidate"][known]]
        return asked

    def _records(self, count: int, /, **columns: Any) -> NDArray[np.void]:
        """Return records with the next numbers of the log."""
        number = np.arange(self._position + 1, self._position + 1 + count)
        self._position += count
        return records_of(count, number=number, **columns)

    def _fold(self, records: NDArray[np.void], candidates: NDArray[np.void] = NO_CANDIDATES) -> Stepped:
        if not len(records):
            return Stepped(np.zeros(0, np.uint8), np.zeros(0, DECISION), np.zeros(0, VERDICT))
        threads = self._threads if len(records) >= THREADED_FROM else 1
        return fold(self._shop.users, records, candidates, self._parameters, self._zones, threads=threads)

    def _translate(self, candidates: NDArray[np.void]) -> None:
        """Put the codes of our names in the place of the world's."""
        for name, codes, code in (
            ("category", self._categories, self._category_code),
            ("channel", self._channels, self._channel_code),
        ):
            if (codes[candidates[name]] < 0).any():
                for new in dict.fromkeys(candidates[name].tolist()):  # in the order in which they come
                    code(new)
            candidates[name] = codes[candidates[name]]

    def _channel_code(self, code: int) -> int:
        self._channels[code] = self._names.channel(channel_name(code))
        return int(self._channels[code])

    def _category_code(self, code: int) -> int:
        self._categories[code] = self._names.category(category_name(code))
        return int(self._categories[code])

    def _make_room(self, candidates: int) -> None:
        if candidates > len(self._shop.asked):
            self._shop.asked.resize(max(candidates, 3 * len(self._shop.asked) // 2), refcheck=False)


def _columns(rows: NDArray[np.void]) -> dict[str, Any]:
    """Return what events and outcomes have in common with records."""
    names = ("user", "at_s", "type", "value")
    return {name: rows[name] for name in names}
