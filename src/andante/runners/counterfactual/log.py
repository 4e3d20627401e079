"""A log as columns: every decision, what it was drawn from, what another policy would draw from, and what came of it.

The log is folded again, as a replay does it. Where another policy is judged, its parameters take each decision from a
copy of the user's record as it stood at that moment, and the copy is thrown away: what the other policy would do never
enters a record. So both probabilities belong to the same state, the logged one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from andante.engine.batch import Stepped, fold
from andante.engine.migration import read_states
from andante.live.hashing import user_key
from andante.live.names import Names
from andante.live.refolding import Published, Run, runs
from andante.pacing.credit import WEEK_S
from andante.stores.reader import SqliteReader
from andante.vocabulary.fault import EmptyInput, StoreUnreadable
from andante.vocabulary.flow import DECISION, VERDICT, Kind
from andante.vocabulary.state import new_users
from andante.zones.table import build

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from andante.zones.table import Zones

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Judge = Callable[[NDArray[np.void], Names], Sequence[NDArray[np.void]]]
    """Makes the parameters to judge out of those that were logged, shape (1,) each."""


class Drawn(NamedTuple):
    """What decisions were drawn from. The probability of sending nothing is 1 less the sum over the candidates."""

    decisions: NDArray[np.void]  # (n,) of DECISION
    verdicts: NDArray[np.void]  # (m,) of VERDICT: ``propensity`` is the probability that this candidate goes out


class Happened(NamedTuple):
    """Outcomes or events as columns, shape [k] each."""

    about: Ints  # an outcome: position of its decision; an event: the user's row
    at_s: Ints
    type: NDArray[np.uint8]
    value: Floats


@dataclass(frozen=True, slots=True)
class Logged:
    """A log, its decisions in order. Shape [n]; candidates and verdicts are flat, [m]."""

    user_ids: list[str]  # (u,)
    users: NDArray[np.void]  # (u,) of USER: at the end
    position: Ints
    user: Ints
    at_s: Ints  # event time, when it was asked
    ceil: NDArray[np.uint8]  # 1 where that was rounded down
    kind: NDArray[np.uint8]
    first: Ints  # where the candidates of a request begin
    count: Ints
    candidates: NDArray[np.void]  # CANDIDATE
    drawn: Drawn
    judged: tuple[Drawn, ...]  # the same decisions under other parameters, for each of those that were asked for
    held: Ints  # place in ``parameters`` of those that held
    parameters: list[NDArray[np.void]]
    outcomes: Happened
    events: Happened
    names: Names
    different: int  # decisions that this step takes otherwise than they were logged
    begun_s: int
    ended_s: int  # the latest thing that happened

    @property
    def week(self) -> Ints:
        """The week of each decision, as the engine counts them: since 1970, from Thursdays on. Shape [n]."""
        weeks: Ints = self.drawn.decisions["at_s"] // WEEK_S
        return weeks

    def held_field(self, name: str) -> Any:
        """Return a field of the parameters that held at each decision."""
        return np.array([one[name][0] for one in self.parameters])[self.held]

    def owner(self) -> Ints:
        """Return the decision that each candidate belongs to. Shape [m]."""
        return np.repeat(np.arange(len(self.position)), self.count)


def read_log(path: Path, judge: Judge | None = None) -> Logged:
    """Read the log of an engine, which may be running.

    Raises StoreUnreadable where there is none, and EmptyInput where it holds no decision.
    """
    if not path.exists():
        raise StoreUnreadable("database", path, "does not exist", "give the file that the engine was opened with")
    with SqliteReader(path) as store:
        opened = store.load()
        for _ in opened.checkpoints:
            break
        names = Names(opened.names)
        users = new_users(len(opened.users.ids))
        users["key"] = [user_key(user_id) for user_id in opened.users.ids]
        for kept in store.base()[1]:
            users[kept.numbers] = read_states(kept.states)
        columns = _Columns()
        gathered = _gather(store, opened.last_position, users, names, judge)
        for part in gathered:
            columns.add(part)
    if not columns.parts:
        raise EmptyInput("log", path, "holds no decision", "let the engine decide something first")
    return columns.joined(opened.users.ids, users, names)


class _Part(NamedTuple):
    """What one run of the log holds."""

    run: Run
    kept: Mask  # of the decisions: those that the first states did not include
    again: Drawn
    judged: tuple[Drawn, ...]
    parameters: NDArray[np.void]


def _gather(store: SqliteReader, last: int, users: NDArray[np.void], names: Names, judge: Judge | None) -> Any:
    """Yield the runs of a log, each stepped under the parameters that held, and under those that are judged."""
    parameters: NDArray[np.void] | None = None
    others: Sequence[NDArray[np.void]] = ()
    zones = build(names.zones)
    for part in runs(store.read(0, last), names):
        if isinstance(part, Published):
            parameters = part.parameters
            if judge is not None:
                others = judge(parameters, names)
                zones = build(names.zones)  # a judged configuration may bring a zone along
            continue
        if parameters is None:
            raise StoreUnreadable("log", store.path, "begins without parameters", "restore it from a copy")
        if others:
            stepped, judged = _step_both(users, part, parameters, others, zones)
        else:
            stepped, judged = fold(users, part.records, part.candidates, parameters, zones), ()
        kept = stepped.effects[part.asked] > 0
        yield _Part(part, kept, Drawn(stepped.decisions[part.asked], stepped.verdicts), judged, parameters)


def _step_both(
    users: NDArray[np.void], run: Run, parameters: NDArray[np.void], others: Sequence[NDArray[np.void]], zones: Zones
) -> tuple[Stepped, tuple[Drawn, ...]]:
    """Fold a run, and take each of its decisions under other parameters too, from copies of the records before it.

    A turn holds, of each user, one decision and what follows it up to the next. Between two turns every record stands
    as the next decision finds it.
    """
    asks = np.zeros(len(run.records), bool)
    asks[run.asked] = True
    turn = _turns(run.records["user"], asks)
    stepped = Stepped(
        np.zeros(len(run.records), np.uint8),
        np.zeros(len(run.records), DECISION),
        np.zeros(len(run.candidates), VERDICT),
    )
    before = np.zeros(len(run.asked), users.dtype)
    place_of = np.cumsum(asks) - 1
    order = np.argsort(turn, kind="stable")
    bounds = np.searchsorted(turn[order], np.arange(int(turn.max(initial=0)) + 2))
    for first, end in pairwise(bounds.tolist()):
        places = order[first:end]
        asking = places[asks[places]]
        before[place_of[asking]] = users[run.records["user"][asking]]
        records, where = _some(run.records, places)
        part = fold(users, records, run.candidates[where], parameters, zones)
        stepped.effects[places], stepped.decisions[places] = part.effects, part.decisions
        stepped.verdicts[where] = part.verdicts
    return stepped, tuple(_judged(before, run, other, zones) for other in others)


def _judged(before: NDArray[np.void], run: Run, other: NDArray[np.void], zones: Zones) -> Drawn:
    """Take the decisions of a run under other parameters, each from the record before it."""
    records, where = _some(run.records, run.asked)
    records["user"] = np.arange(len(records))
    stepped = fold(before.copy(), records, run.candidates[where], other, zones)
    verdicts = np.zeros(len(run.candidates), VERDICT)
    verdicts[where] = stepped.verdicts
    return Drawn(stepped.decisions, verdicts)


def _turns(user: Ints, asks: Mask) -> Ints:
    """Return for each record how many decisions on its user the run has taken up to it, itself included."""
    order = np.argsort(user, kind="stable")
    asked = np.cumsum(asks[order])
    owner = user[order]
    begins = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    before = np.r_[0, asked][begins]
    turns = np.empty(len(user), np.int64)
    turns[order] = asked - np.repeat(before, np.diff(np.r_[begins, len(user)]))
    return turns


def _some(records: NDArray[np.void], places: Ints) -> tuple[NDArray[np.void], Ints]:
    """Return some of the records, and the places of their candidates, which begin anew from 0."""
    some = records[places].copy()
    counts = some["count"].astype(np.int64)
    ends = np.cumsum(counts)
    where = np.repeat(some["first"] - (ends - counts), counts) + np.arange(int(counts.sum()))
    some["first"] = ends - counts
    return some, where


class _Columns:
    """The runs of a log, to be joined into one."""

    def __init__(self) -> None:
        self.parts: list[dict[str, NDArray[Any]]] = []
        self.judged: list[tuple[Drawn, ...]] = []
        self.outcomes: list[Happened] = []
        self.events: list[Happened] = []
        self.parameters: list[NDArray[np.void]] = []
        self.different = 0
        self.times: list[int] = []

    def add(self, part: _Part) -> None:
        """Take over what a run holds."""
        run, kept = part.run, part.kept
        records = run.records
        for kind, kin in ((Kind.OUTCOME, self.outcomes), (Kind.EVENT, self.events)):
            some = records[records["kind"] == kind]
            about = some["decision"].astype(np.int64) if kind == Kind.OUTCOME else some["user"]
            kin.append(Happened(about, some["at_s"], some["type"], some["value"]))
        happened = records["at_s"][np.isin(records["kind"], _HAPPENS)]
        if len(happened):
            self.times += [int(happened.min()), int(happened.max())]
        if not kept.any():
            return
        if not self.parameters or self.parameters[-1] is not part.parameters:
            self.parameters.append(part.parameters)
        asked = run.asked[kept]
        within = np.repeat(kept, run.logged.count)
        self.different += _differing(run, part.again, kept, within)
        count = run.logged.count[kept].astype(np.int64)
        self.parts.append(
            {
                "position": records["number"][asked].astype(np.int64),
                "user": records["user"][asked],
                "at_s": records["at_s"][asked],
                "ceil": records["ceil"][asked],
                "kind": records["kind"][asked],
                "count": count,
                "held": np.full(len(asked), len(self.parameters) - 1, np.int64),
                "candidates": run.candidates[within],
                "decisions": run.logged.decisions[kept],
                "verdicts": run.logged.verdicts[within],
            }
        )
        self.judged.append(tuple(Drawn(one.decisions[kept], one.verdicts[within]) for one in part.judged))

    def joined(self, user_ids: list[str], users: NDArray[np.void], names: Names) -> Logged:
        """Return the whole log."""
        whole: Mapping[str, Any] = {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}
        count = whole["count"]
        return Logged(
            user_ids=user_ids,
            users=users,
            position=whole["position"],
            user=whole["user"],
            at_s=whole["at_s"],
            ceil=whole["ceil"],
            kind=whole["kind"],
            first=np.cumsum(count) - count,
            count=count,
            candidates=whole["candidates"],
            drawn=Drawn(whole["decisions"], whole["verdicts"]),
            judged=tuple(map(_together, zip(*self.judged, strict=True))),
            held=whole["held"],
            parameters=self.parameters,
            outcomes=Happened(*map(np.concatenate, zip(*self.outcomes, strict=True))),
            events=Happened(*map(np.concatenate, zip(*self.events, strict=True))),
            names=names,
            different=self.different,
            begun_s=min(self.times),
            ended_s=max(self.times),
        )


_HAPPENS = (int(Kind.EVENT), int(Kind.REQUEST), int(Kind.RELEASE), int(Kind.OUTCOME))
"""Kinds whose time is that of what happened, and not that of the engine's clock."""

_COMPARED = ("action", "chosen", "propensity", "reservation")


def _together(parts: tuple[Drawn, ...]) -> Drawn:
    return Drawn(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _differing(run: Run, again: Drawn, kept: Mask, within: Mask) -> int:
    """Count the decisions that the step takes otherwise today: their probabilities are not to be trusted."""
    wrong = np.zeros(int(kept.sum()), bool)
    for name in _COMPARED:
        wrong |= run.logged.decisions[name][kept] != again.decisions[name][kept]
    owner = np.repeat(np.arange(len(wrong)), run.logged.count[kept])
    odd = run.logged.verdicts["propensity"][within] != again.verdicts["propensity"][within]
    wrong[owner[odd]] = True
    return int(wrong.sum())
