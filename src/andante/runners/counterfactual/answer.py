"""The answer to what another policy would have brought: its figures, its verdict, and what both stand on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from andante.evaluation.offpolicy.estimators import Formula, estimate, gain
from andante.evaluation.offpolicy.overlap import (
    UNSUPPORTED_MAX,
    UNSUPPORTED_WEAK,
    Overlap,
    Verdict,
    diagnose,
    verdict,
)
from andante.pacing.credit import WEEK_S
from andante.runners.counterfactual.policy import Asked
from andante.runners.counterfactual.reward import OF_USERS
from andante.runners.counterfactual.words import held_fixed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from andante.evaluation.offpolicy.decisions import Decisions
    from andante.evaluation.offpolicy.estimators import Estimate
    from andante.runners.counterfactual.log import Logged
    from andante.runners.counterfactual.policy import JudgedPolicy
    from andante.runners.counterfactual.reward import Reward

    Mask = NDArray[np.bool_]

CANNOT: Literal["cannot answer"] = "cannot answer"
DECISION, USER_WEEK = "open decision", "user-week"

DR, SNIPS, IPS = Formula("DR", model=True), Formula("SNIPS", normalised=True), Formula("IPS")

NEGLIGIBLE = 0.02
"""By how much the weights' mean may miss what right propensities lead to, however narrow its interval is: where nearly
every weight is 1 and a few are rare and large, an interval that knows only the former is too narrow."""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of the answer. Where the log cannot answer, what is judged has no value."""

    policy: Literal["logged", "judged", "difference"]
    method: str
    per: str  # of what it is a mean
    value: float | None
    low: float | None
    high: float | None
    effective: float | None = None
    weight_max: float | None = None
    clipped: float | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer to what another policy would have brought."""

    policy: str
    reward: str
    within_days: float
    opt_out_cost: float
    answer: str  # "answers", "weak" or "cannot answer"
    sentence: str
    over_weeks: str  # the same of a user's week as a whole, where decisions were judged one by one; else empty
    users: int
    user_weeks: int  # in which something was asked
    decisions: int
    used: int
    used_are: str  # what was used: open decisions, or users' weeks
    too_young: int  # decisions left out, since outcomes may still come
    sends_per_user_week: dict[str, float | None]
    lines: tuple[Line, ...]
    overlap: Overlap | None
    held_fixed: tuple[str, ...]
    to_answer: tuple[str, ...]  # what to switch on, or to ask instead


@dataclass(frozen=True, slots=True)
class Question:
    """A log, what it is asked, and how much of it may be used."""

    log: Logged
    policy: JudgedPolicy
    reward: Reward
    whole: Mask  # [n]: decisions of which all outcomes are in
    clip: float

    @property
    def finished(self) -> Mask:
        """Decisions of users' weeks that are over, outcomes and all, shape [n]."""
        after_s = 0 if self.reward.name in OF_USERS else self.reward.within_s
        found: Mask = (self.log.week + 1) * WEEK_S + after_s <= self.log.ended_s + 1
        return found

    def lines(self, judged: Decisions, formulas: Sequence[Formula], per: str) -> list[Line]:
        """Return the log's mean, the estimates, and how far the first of them is from the log."""
        found = [logged_line(judged, per)]
        if judged.weight.any():
            clipped = [formula._replace(clip=self.clip) for formula in formulas]
            found += [line("judged", estimate(judged, formula), per) for formula in clipped]
            found.append(line("difference", gain(judged, clipped[0]), per))
        return found


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, before it is said."""

    verdict: Verdict
    lines: Sequence[Line] = ()
    sends: dict[str, float | None] | None = None
    overlap: Overlap | None = None
    used: int = 0
    over_weeks: str = ""
    to_answer: tuple[str, ...] = ()


def no(why: str, *to_answer: str) -> Found:
    """Say that the log cannot answer, why, and what would let it."""
    return Found(Verdict(CANNOT, f"This log cannot answer: {why}."), to_answer=to_answer)


def judge(decisions: Decisions, untried: float = 0.0) -> tuple[Overlap, Verdict]:
    """Say whether decisions answer; ``untried`` is the share of the judged policy's pushes that the log never tried.

    The verdict on overlap counts holding as something tried, which it nearly always is: where most is held, it could
    miss that nothing of what goes out on top was ever seen. What is held brings nothing, so only sends need support.
    """
    overlap = diagnose(decisions)
    if abs(overlap.weight_mean - (1.0 - overlap.unsupported_share)) < NEGLIGIBLE:
        found = verdict(replace(overlap, weight_mean_low=0.0, weight_mean_high=np.inf))
    else:
        found = verdict(overlap)
    said = f"{untried:.0%} of the pushes that the policy would send were never tried in this log"
    if untried > UNSUPPORTED_MAX:
        rest = found.sentence.partition(": ")[2] if found.answer != "answers" else ""
        found = Verdict(CANNOT, f"This log cannot answer: {said}{'; ' + rest if rest else '.'}")
    elif untried > UNSUPPORTED_WEAK and found.answer == "answers":
        found = Verdict("weak", f"This log answers weakly: {said}.")
    return overlap, found


def of_weeks(found: Verdict) -> Verdict:
    """Return a verdict on users' weeks in words that fit: each of its decisions is one."""
    return replace(found, sentence=found.sentence.replace("decisions", "user-weeks"))


def logged_line(judged: Decisions, per: str) -> Line:
    """Return the mean of the log itself, on the rows that are judged."""
    same = replace(judged, target=judged.propensity, expected_taken=None, expected_target=None, unsupported=None)
    return replace(
        line("logged", estimate(same, IPS), per), method="mean", effective=None, weight_max=None, clipped=None
    )


def line(policy: Literal["logged", "judged", "difference"], found: Estimate, per: str) -> Line:
    """Return an estimate as a line."""
    return Line(
        policy,
        found.method,
        per,
        found.value,
        found.low,
        found.high,
        effective=found.effective,
        weight_max=found.weight_max,
        clipped=found.clipped,
    )


def withheld(lines: Sequence[Line], answer: str) -> list[Line]:
    """Take the values of the judged policy out where the log cannot answer: nobody should quote them."""
    if answer != CANNOT:
        return list(lines)
    return [one if one.policy == "logged" else replace(one, value=None, low=None, high=None) for one in lines]


def said(question: Question, found: Found) -> Judgement:
    """Return what was found with what it stands on."""
    log, reward, policy = question.log, question.reward, question.policy
    asked = np.stack([log.user, log.week])[:, question.whole]
    return Judgement(
        policy=policy.text,
        reward=str(reward.name),
        within_days=reward.within_s / 86_400,
        opt_out_cost=reward.opt_out_cost,
        answer=found.verdict.answer,
        sentence=found.verdict.sentence,
        over_weeks=found.over_weeks,
        users=len(np.unique(log.user)),
        user_weeks=int(np.unique(asked, axis=1).shape[1]),
        decisions=len(log.position),
        used=found.used,
        used_are="open ones" if policy.kind in {Asked.SETTINGS, Asked.LOGGED} else "user-weeks as asked",
        too_young=int((~question.whole).sum()),
        sends_per_user_week=found.sends or {"logged": None, "judged": None},
        lines=tuple(found.lines),
        overlap=found.overlap,
        held_fixed=held_fixed(log, policy),
        to_answer=found.to_answer,
    )
