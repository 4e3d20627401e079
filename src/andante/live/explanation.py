"""Why: what held a user's last decision, when a push may go out next, and what would have changed it.

A counterfactual is not guessed. The user's record is folded again up to the moment before the decision, one parameter
is changed, and the same step takes the same decision once more, with the same draws.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from andante.engine.batch import Stepped, fold
from andante.engine.migration import read_states
from andante.live.answers import verdicts as verdicts_of
from andante.live.deciding import read_decision
from andante.live.instants import utc
from andante.live.refolding import Run, published, run
from andante.live.views import UserView, view
from andante.stores.contract import Row
from andante.vocabulary.flow import Kind
from andante.vocabulary.parameters import CAP_CATEGORY, CAP_CHANNEL, NO_QUOTA
from andante.vocabulary.reason import Action, Reason
from andante.vocabulary.records import Decision, Record, Verdict
from andante.vocabulary.state import NO_CLOCK, NO_DIAL, SLOTS, new_users

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from andante.live.desk import Desk

_RAISES = 8
"""By how much a limit is raised at most, one by one, to see when it would let the push through."""

_FASTER = (1.5, 2.0, 3.0, 5.0, 10.0)
"""How many times as fast a plan is tried."""


class Counterfactual(Record, frozen=True, omit_defaults=False):
    """One change with which the push would have gone out."""

    change: str  # what would be different, in words
    setting: str  # where it is set
    before: float | None
    after: float | None


class Why(Record, frozen=True, omit_defaults=False):
    """A user's last decision, explained."""

    user: UserView
    decision: Decision | None  # None: nothing was ever asked for this user
    at: datetime | None
    verdicts: tuple[Verdict, ...]
    binding: str | None  # the rule or reason that held the decision
    next_at: datetime | None  # when the same push may go out, as things stand now; None: never, or nothing was asked
    counterfactuals: tuple[Counterfactual, ...]


class Moment(NamedTuple):
    """A record of the log, such as a decision, with all that it was taken from."""

    before: NDArray[np.void]  # (1,) of USER
    run: Run  # one record
    parameters: NDArray[np.void]  # (1,) of PARAMETERS


class Change(NamedTuple):
    """Something to try."""

    change: str
    setting: str
    before: float | None
    after: float | None
    user: NDArray[np.void]
    parameters: NDArray[np.void]


def explain(desk: Desk, row: int, now_s: int) -> Why:
    """Explain the last decision on a user."""
    seen = view(desk, row, now_s)
    found = last_decision(desk, row)
    if found is None:
        return Why(user=seen, decision=None, at=None, verdicts=(), binding=None, next_at=None, counterfactuals=())
    decided, logged = found.run.rows[0], found.run.logged
    decision = logged.decisions[0]
    sent = decision["action"] == Action.SEND
    return Why(
        user=seen,
        decision=read_decision(desk, decided._replace(user=row)),
        at=utc(int(decision["at_s"])),
        verdicts=tuple(verdicts_of(logged.offered, logged.verdicts)[0]),
        binding=None if sent else Reason(int(decision["reason"])).name.lower(),
        next_at=_next_at(desk, row, found.run, now_s),
        counterfactuals=() if sent else tuple(counterfactuals(desk, found)),
    )


def last_decision(desk: Desk, row: int) -> Moment | None:
    """Return the last decision on a user, with the record as it was before it; None where there is none in the log."""
    asked = (moment for moment in moments(desk, row) if len(moment.run.asked))
    last = deque(asked, maxlen=1)
    return last[0] if last else None


def moments(desk: Desk, row: int) -> Iterator[Moment]:
    """Yield each record that the log has of a user, with the user's record as it was before it.

    The log is read once, in order, and nothing of it is held. What retention has dropped is in the first record.
    """
    _, states = desk.store.base()
    user = new_users(1)
    user["key"] = desk.population.users["key"][row]
    for kept in states:
        mine = kept.numbers == row
        if mine.any():
            user = read_states(kept.states[mine]).copy()
    parameters: NDArray[np.void] = desk.deciding()
    for logged in _history(desk, row):
        if logged.kind == Kind.PARAMETERS:
            parameters = published(logged).parameters
        elif logged.position > user["position"][0]:  # the base has the others already
            one = run([logged._replace(user=0)], desk.names)
            yield Moment(user.copy(), one, parameters)
            fold(user, one.records, one.candidates, parameters, desk.zones)


def counterfactuals(desk: Desk, moment: Moment) -> Iterator[Counterfactual]:
    """Yield the changes with which the push would have gone out, each by itself, the smallest of its kind."""
    done: set[str] = set()
    for tried in _changes(desk, moment):
        if tried.setting not in done and _sends(desk, moment, tried):
            done.add(tried.setting)
            yield Counterfactual(change=tried.change, setting=tried.setting, before=tried.before, after=tried.after)


def _sends(desk: Desk, moment: Moment, tried: Change) -> bool:
    stepped = again(desk, Moment(tried.user, moment.run, tried.parameters))
    return bool(stepped.decisions["action"][0] == Action.SEND)


def again(desk: Desk, moment: Moment) -> Stepped:
    """Take a decision once more, on copies."""
    return fold(moment.before.copy(), moment.run.records, moment.run.candidates, moment.parameters, desk.zones)


def _changes(desk: Desk, moment: Moment) -> Iterator[Change]:
    """Yield what may be tried, in the order of the rules; of one setting the smallest change first."""
    user, parameters = moment.before, moment.parameters
    yield from _caps(desk, moment)
    yield from _dials(moment)
    for field, off, setting, words in (
        ("holdout", 0.0, "experiment.holdout", "if this user were not held out"),
        ("gap_s", 0, "gap.minimum", "without the gap between pushes"),
        ("duplicate_window_s", 0, "duplicates.window", "if the same content could be sent again at once"),
        ("stopped", 0, "kill switch", "with the kill switch off"),
        ("stopped_channels", 0, "kill switch of channels", "with the kill switch of channels off"),
        ("stopped_categories", 0, "kill switch of categories", "with the kill switch of categories off"),
        ("stopped_campaigns", 0, "kill switch of campaigns", "with the kill switch of campaigns off"),
        ("quota", NO_QUOTA, "vendor_quotas", "without the vendor's quota"),
    ):
        yield Change(words, setting, None, None, user, _with(parameters, **{field: off}))
    awake = _with(parameters, quiet_start_min=NO_CLOCK, quiet_end_min=NO_CLOCK)
    no_hours = _with(user, quiet_start_min=0, quiet_end_min=0)
    yield Change("outside quiet hours", "quiet_hours", None, None, no_hours, awake)
    yield from _paces(moment)
    yield Change(
        "without waiting for a better moment", "pacing.patience", None, 0.0, user, _with(parameters, patience=0.0)
    )


def _caps(desk: Desk, moment: Moment) -> Iterator[Change]:
    held = moment.parameters[0]
    for cap in range(int(held["caps"])):
        limit, days = int(held["cap_limit"][cap]), int(held["cap_window_s"][cap]) / 86_400
        kind, code = int(held["cap_kind"][cap]), int(held["cap_code"][cap])
        scope = "global"
        if kind == CAP_CATEGORY:
            scope = f"category:{desk.names.categories[code]}"
        elif kind == CAP_CHANNEL:
            scope = f"channel:{desk.names.channels[code]}"
        for more in range(limit + 1, min(limit + _RAISES, SLOTS) + 1):
            limits = held["cap_limit"].copy()
            limits[cap] = more
            words = f"with a cap of {more} in {days:g} days ({scope})"
            changed = _with(moment.parameters, cap_limit=limits)
            yield Change(words, f"caps {scope} {days:g} days", limit, more, moment.before, changed)


def _dials(moment: Moment) -> Iterator[Change]:
    for field, span in (("max_per_day", "day"), ("max_per_week", "week")):
        dial = int(moment.before[field][0])
        if dial == NO_DIAL:
            continue
        for more in range(dial + 1, min(dial + _RAISES, SLOTS) + 1):
            words = f"if the user's own maximum were {more} a {span}"
            yield Change(words, field, dial, more, _with(moment.before, **{field: more}), moment.parameters)


def _paces(moment: Moment) -> Iterator[Change]:
    """Try the decision with the credit that a faster plan would have filled since the last one."""
    user, pace = moment.before, float(moment.run.logged.decisions["plan_per_week"][0])
    most = float(moment.parameters["most_per_week"][0])
    for faster in [pace * times for times in _FASTER if pace * times <= most]:
        elapsed_s = int(moment.run.records["at_s"][0]) - int(user["credit_s"][0])
        credit = float(user["credit"][0]) + max(elapsed_s, 0) * faster / 604_800
        changed = _with(user, credit=min(credit, 1.0), credit_s=moment.run.records["at_s"][0])
        words = f"with a plan of {faster:.3g} pushes a week"
        yield Change(words, "plan_per_week", pace, faster, changed, moment.parameters)


def _next_at(desk: Desk, row: int, run: Run, now_s: int) -> datetime | None:
    """Return when the rules would let one of the same candidates out, as things stand now."""
    user = desk.population.users[row : row + 1].copy()
    asked, candidates = run.records.copy(), run.candidates.copy()
    asked["number"], asked["user"] = desk.position + 1, 0
    asked["at_s"] = max(now_s, int(user["now_s"][0]))
    stepped = fold(user, asked, candidates, desk.deciding(), desk.zones)
    return utc(int(stepped.verdicts["until_s"].min()))


def _history(desk: Desk, row: int) -> Iterator[Row]:
    """Yield the rows of one user, and those that publish parameters."""
    for rows in desk.store.read():
        for one in map(Row._make, rows):
            if one.user == row or one.kind == Kind.PARAMETERS:
                yield one


def _with(record: NDArray[np.void], **fields: object) -> NDArray[np.void]:
    """Return a copy with some fields changed."""
    changed = record.copy()
    for name, value in fields.items():
        changed[name] = value
    return changed
