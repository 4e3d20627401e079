"""An engine's log: what went out and what came of it, for whom, how steadily, and how much of it is one account's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from andante.evaluation.interval import summed_by_user
from andante.evaluation.measures.concentration import concentration
from andante.evaluation.measures.fairness import member_fairness
from andante.evaluation.measures.guardrails import volatility
from andante.runners.counterfactual.log import read_log
from andante.runners.counterfactual.reward import (
    REFUSALS,
    Reward,
    RewardName,
    outcomes_of,
    planned_sends,
    visits_and_spend,
)
from andante.runners.counterfactual.weeks import ALIKE, held_out, paces, weeks
from andante.runners.evaluating.audit import audit_propensities, audit_shares, calibration, lift
from andante.runners.evaluating.figures import (
    SEED,
    Check,
    Evaluation,
    Figure,
    Section,
    Unit,
    counted,
    ratio,
    shown,
    summary,
)
from andante.vocabulary.fault import NotEnoughData
from andante.vocabulary.message import RESPONSES, OutcomeType
from andante.vocabulary.reason import Action, Reason
from andante.vocabulary.state import MEMBER

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from andante.runners.counterfactual.log import Logged
    from andante.runners.evaluating.figures import Answer

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

WEEK_S = 604_800
WEEKS_MIN = 20
"""Weeks of one random pace from which on it is shown."""
SEGMENTS_MAX = 5
"""Users are alike in behaviour where the events before their first decision are, to a doubling, up to 31."""
CHANCE = 1.0
"""Pushes by which a week may differ from the last one before one should look, however few there are."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A log by user. Shape [users] unless said; only users who were asked about have anything."""

    log: Logged
    within_s: int
    sent: Mask  # [n]: decisions that sent something that the plan could have held
    asked: Mask
    held: Mask  # held out
    weeks: Floats  # observed since the first decision
    sends: Floats
    opens: Floats
    clicks: Floats
    conversions: Floats
    value: Floats
    refusals: Floats
    segment: NDArray[np.int64]  # how much each did before the first decision: 0, 1, ... by doublings
    visits: Floats  # days with an event, since the first decision
    spend: Floats


def evaluate_engine(path: Path, within_s: int) -> Evaluation:
    """Return what the log of an engine shows, with outcomes counted up to so many seconds after a push."""
    seen = _seen(read_log(path), within_s)
    sections, checks = [_pushes(seen)], []
    for found in (
        audit_propensities(seen.log),
        calibration(seen.log, seen.within_s),
        lift(seen.held, seen.asked, seen.weeks, seen.visits, seen.spend),
        _random_weeks(seen),
        audit_shares(seen.log, seen.asked, seen.held),
        _members(seen),
        _volatility(seen),
        _concentration(seen),
    ):
        sections.append(found[0])
        checks.append(found[1])
    if seen.log.different:
        said = f"{seen.log.different:,} decisions come out otherwise under this step: `andante replay` names them"
        checks.insert(0, Check("replay", "bad", said))
    days = (seen.log.ended_s - seen.log.begun_s) / 86_400
    title = f"{path}: an engine's log of {len(seen.log.position):,} decisions over {days:.1f} days"
    return Evaluation("engine", title, tuple(sections), tuple(checks), summary(tuple(checks)))


def _seen(log: Logged, within_s: int) -> Seen:
    """Count by user. What came of pushes too young for all of it is counted as far as it is known."""
    users = len(log.users)
    came, sent = outcomes_of(log, within_s), planned_sends(log)
    first_s = np.full(users, log.ended_s)
    np.minimum.at(first_s, log.user, log.at_s)
    asked = np.zeros(users, bool)
    asked[log.user] = True
    since = log.events.at_s >= first_s[log.events.about]
    before = np.bincount(log.events.about[~since], minlength=users)
    events = log.events._replace(
        **{name: getattr(log.events, name)[since] for name in ("about", "at_s", "type", "value")}
    )
    span_s = max(log.ended_s - log.begun_s + 1, 1)
    visits, spend = visits_and_spend(events, users, log.begun_s, span_s, 1)

    def by_user(what: NDArray[np.generic]) -> Floats:
        return np.bincount(log.user, what * sent, minlength=users).astype(np.float64)

    return Seen(
        log=log,
        within_s=within_s,
        sent=sent,
        asked=asked,
        held=held_out(log),
        weeks=np.where(asked, (log.ended_s - first_s) / WEEK_S, 0.0),
        sends=by_user(np.ones(len(sent))),
        opens=by_user(came.any_of(RESPONSES)),
        clicks=by_user(came.any_of((OutcomeType.CLICKED,))),
        conversions=by_user(came.any_of((OutcomeType.CONVERTED,))),
        value=by_user(came.value),
        refusals=by_user(came.any_of(REFUSALS)),
        segment=np.minimum(np.log2(before + 1).astype(np.int64), SEGMENTS_MAX),
        visits=visits[:, 0],
        spend=spend[:, 0],
    )


def _pushes(seen: Seen) -> Section:
    """Return how much went out, and what came of it."""
    logged = seen.log.drawn.decisions
    on = seen.asked
    transactional = (logged["action"] == Action.SEND) & (logged["reason"] == Reason.TRANSACTIONAL)
    later = (
        ("clicks per push", seen.clicks, Unit.SHARE),
        ("conversions per push", seen.conversions, Unit.SHARE),
        ("value per push", seen.value, Unit.NUMBER),
    )
    figures = (
        counted("users who were asked about", on.sum()),
        counted("decisions", len(seen.log.position)),
        counted("pushes", seen.sends.sum()),
        counted("transactional pushes, counted nowhere below", transactional.sum()),
        ratio("pushes per user-week", seen.sends[on], seen.weeks[on]),
        ratio("opens per push", seen.opens[on], seen.sends[on], unit=Unit.SHARE),
        *(ratio(name, what[on], seen.sends[on], unit=unit) for name, what, unit in later if what.any()),
        ratio("opt-outs per 1,000 pushes", seen.refusals[on], seen.sends[on], unit=Unit.PER_1000),
    )
    return Section(f"Pushes, with outcomes within {seen.within_s / 86_400:g} days", figures)


def _random_weeks(seen: Seen) -> tuple[Section, Check]:
    """Return what weeks of each random pace came to: pushes, and opens."""
    log = seen.log
    drawn = paces(log.parameters[-1])
    over = (log.week + 1) * WEEK_S + seen.within_s <= log.ended_s + 1
    if not over.any():
        return Section("Weeks of a random pace", ()), Check("random paces", "unknown", "no week is over")
    whole = weeks(log, Reward(RewardName.OPENS, seen.within_s), over)
    figures: list[Figure] = []
    for pace in drawn:
        mine = whole.explored & ~whole.held_out & (np.abs(whole.per_week - pace) < ALIKE)
        if mine.sum() >= WEEKS_MIN:
            columns = summed_by_user(
                whole.user[mine], [whole.sends[mine], whole.reward[mine], np.ones(int(mine.sum()))]
            )
            figures += [
                counted(f"weeks at {pace:g} a week", mine.sum()),
                ratio("… pushes per user-week", columns[0], columns[2]),
                ratio("… opens per user-week", columns[1], columns[2]),
            ]
    title = "Weeks of a random pace that are over"
    if not figures:
        said = "too few weeks of a random pace are over to say what a pace brings: set experiment.explore, such as 0.05"
        return Section(title, ()), Check("random paces", "unknown", said)
    said = "what each pace brings in its first week is above; `andante replay LOG --policy pace=K` judges one"
    return Section(title, tuple(figures)), Check("random paces", "good", said)


def _members(seen: Seen) -> tuple[Section, Check]:
    """Compare what members get with what others get: membership is no reason to be pushed more, or less."""
    on = seen.asked & ~seen.held
    member = seen.log.users["flags"] & MEMBER != 0
    title = "Members and others"
    try:
        found = member_fairness(seen.sends[on], seen.weeks[on], member[on], seen.segment[on], seed=SEED)
    except NotEnoughData:
        said = "all users are alike in membership, as far as the log knows"
        return Section(title, ()), Check("members", "unknown", said)
    figures = [
        counted("members", (on & member).sum()),
        counted("others", (on & ~member).sum()),
        shown("pushes per user-week, members", found.members),
        shown("pushes per user-week, others", found.ordinary),
        shown("members less others", found.difference),
    ]
    if found.standardised is not None:
        figures.append(shown("members less others, of like behaviour before", found.standardised))
    for name, group in (("members", on & member), ("others", on & ~member)):
        figures.append(ratio(f"opens per push, {name}", seen.opens[group], seen.sends[group], unit=Unit.SHARE))
    answers: dict[str, Answer] = {"not explained by behaviour": "look", "cannot tell": "unknown"}
    return Section(title, tuple(figures)), Check("members", answers.get(found.verdict, "good"), found.sentence)


def _volatility(seen: Seen) -> tuple[Section, Check]:
    """Return how much pushes, and paces, change from one week to the next, of users asked about in both."""
    log, users = seen.log, len(seen.log.users)
    spans = int((log.ended_s - log.begun_s) // WEEK_S)
    title = "Volatility"
    week = (log.at_s - log.begun_s) // WEEK_S
    inside = (week < spans) & ~seen.held[log.user]
    cell = log.user * spans + week
    sends = np.bincount(cell[inside & seen.sent], minlength=users * spans).reshape(users, spans)
    plan = np.zeros(users * spans)
    plan[cell[inside]] = log.drawn.decisions["plan_per_week"][inside]  # the latest of a week stands
    asked = np.bincount(cell[inside], minlength=users * spans).reshape(users, spans) > 0
    try:
        pushes = volatility(sends, asked, seed=SEED)
        paces_moved = volatility(plan.reshape(users, spans), asked, seed=SEED)
    except NotEnoughData:
        said = "no user was asked about in two weeks that are over"
        return Section(title, ()), Check("volatility", "unknown", said)
    figures = (
        shown("change of pushes from week to week", pushes),
        shown("change of pace from week to week", paces_moved),
    )
    mean = float(sends.sum() / asked.sum())
    said = f"a user's pushes change by {pushes.value:.2f} from one week to the next, at {mean:.2f} a week"
    return Section(title, figures), Check("volatility", "look" if pushes.low > max(mean, CHANCE) else "good", said)


def _concentration(seen: Seen) -> tuple[Section, Check]:
    """Return how much of what came of pushes is a few accounts': one that opens everything is hardly a person."""
    title = "Concentration"
    try:
        found = concentration(seen.opens[seen.asked], np.array(seen.log.user_ids)[seen.asked].tolist(), seed=SEED)
    except NotEnoughData:
        return Section(title, ()), Check("one account", "unknown", "nothing was opened")
    figures = (
        Figure("largest share of opens of one account", float(seen.opens.max()) / found.total, unit=Unit.SHARE),
        Figure("share of opens of the top hundredth", found.top_percent_share, unit=Unit.SHARE),
        Figure("accounts that open, of equal weight", found.users_effective, unit=Unit.COUNT),
        shown("share of users who open anything", found.active_share, unit=Unit.SHARE),
    )
    return Section(title, figures), Check("one account", "look" if found.bot_like else "good", found.sentence)
