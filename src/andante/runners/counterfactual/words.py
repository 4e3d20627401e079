"""What an answer says in words: what was held fixed, why it cannot be given, and what to switch on for next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from andante.runners.counterfactual.policy import LEARNED, PACED, Asked
from andante.runners.counterfactual.weeks import paces
from andante.vocabulary.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from andante.evaluation.offpolicy.overlap import Overlap
    from andante.runners.counterfactual.answer import Line
    from andante.runners.counterfactual.decisions import Choices
    from andante.runners.counterfactual.log import Logged
    from andante.runners.counterfactual.policy import JudgedPolicy

ONE_STEP = (
    "each user's record at each decision: that of the log, as the logged policy had left it",
    "what was asked, and when: requests, their candidates, and when a held push was asked again",
)
CAPPED = (
    "how each week began, but that the cap has room for all it lets through",
    "what was asked, and when: requests, their candidates, and when a held push was asked again",
    "what came of a push before the cap was full: pushes after it took nothing from it, and added nothing",
)
ONE_WEEK = (
    "how each week began: what the users' earlier weeks had left",
    "what was asked, and when",
    "that it is the first week of this pace: the fatigue of a second and third is in no week of the log",
)
UNPUSHED = (
    "what was asked, and when",
    "transactional pushes, which held-out users get as well",
)
_REASONS_SHOWN = 2
_HALF = 0.5

_HELD_BY = {
    Reason.PACE: "the plan had no credit",
    Reason.QUIET_HOURS: "it was quiet hours",
    Reason.DIAL: "the user's own maximum was reached",
    Reason.CAP_GLOBAL: "a cap over everything was full",
    Reason.CAP_CATEGORY: "a cap on the category was full",
    Reason.CAP_CHANNEL: "a cap on the channel was full",
    Reason.GAP: "it was too soon after the push before",
    Reason.DUPLICATE: "the same content had gone out lately",
    Reason.HOLDOUT: "the user is held out",
    Reason.CONSENT_CHANNEL: "there was no consent to the channel",
    Reason.CONSENT_CATEGORY: "there was no consent to the category",
    Reason.VENDOR_QUOTA: "the vendor's quota was reached",
    Reason.RESERVED: "the slot was kept, for sure, for a better moment",
    Reason.WORTHLESS: "it was, for sure, not worth its cost",
    Reason.BEST: "the best one was sent for sure",
}


def held_fixed(log: Logged, policy: JudgedPolicy) -> tuple[str, ...]:
    """Say what the answer takes from the log as it is."""
    if policy.kind is Asked.NONE:
        return UNPUSHED
    if policy.kind is Asked.PACE:
        return ONE_WEEK
    if policy.kind is Asked.CAP:
        return CAPPED
    left = policy.left_out(log.parameters[-1], log.names)
    paced, learned = [name for name in left if name in PACED], [name for name in left if name in LEARNED]
    said = list(ONE_STEP)
    if paced:
        said.append(f"the pace, of which the configuration sets otherwise: {', '.join(paced)} (ask --policy pace=K)")
    if learned:
        said.append(f"what records have gathered, which the configuration would forget otherwise: {', '.join(learned)}")
    return tuple(said)


def outcome(lines: Sequence[Line], reward: str, answer: str) -> str:
    """Say in a sentence what the policy would have brought; nothing where the log cannot answer."""
    difference = next((line for line in lines if line.policy == "difference"), None)
    if answer == "cannot answer" or difference is None or difference.low is None or difference.high is None:
        return ""
    logged, judged = lines[0], lines[1]
    which = "no clear difference"
    if difference.low > 0:
        which = "more than was logged"
    elif difference.high < 0:
        which = "less than was logged"
    mean = f"{judged.value:.4g} {reward} (95 %: {judged.low:.4g} to {judged.high:.4g})"
    return f"The policy would have brought {mean} per {judged.per} instead of {logged.value:.4g}: {which}."


def why_unsupported(log: Logged, chosen: Choices, rows: NDArray[np.bool_]) -> str:
    """Name the reasons for which the log never did what the judged policy would do, the commonest first."""
    reasons = log.drawn.decisions["reason"][rows]
    lacking = np.bincount(reasons, chosen.never[rows], minlength=1)
    largest = [place for place in np.argsort(-lacking).tolist()[:_REASONS_SHOWN] if lacking[place] > 0]
    shares = [f"{lacking[place] / lacking.sum():.0%} because {_held_by(place)}" for place in largest]
    return f"What was never tried: {', '.join(shares)}." if shares else ""


def advice(log: Logged, policy: JudgedPolicy, overlap: Overlap | None, *, untried: float = 0.0) -> tuple[str, ...]:
    """Say what to switch on, or to ask instead, so that a log can answer next time; ``overlap`` where there is any."""
    held = log.parameters[-1][0]
    if policy.kind is Asked.NONE:
        share = float(held["holdout"])
        more = f"a larger experiment.holdout than {share:g}" if share > 0 else "experiment.holdout, such as 0.03"
        return (more, "a longer log, of more users")
    if policy.kind is Asked.PACE:
        return _paced_advice(log, policy)
    todo = []
    if held["floor"] == 0.0:
        todo.append("pacing.floor above 0, such as 0.02: both send and hold then have a chance in every open decision")
    elif overlap is not None and overlap.effective_share < _HALF:
        todo.append(f"a larger pacing.floor than {held['floor']:g}: the weights would be smaller")
    if held["explore_candidates"] == 0.0 and (log.count > 1).any():
        todo.append("pacing.explore_candidates above 0, such as 0.02: any of several candidates then has a chance")
    if untried > 0.0:
        todo.append(
            "what a rule or the plan refuses is never tried: log under the looser limit, then ask about a tighter one"
        )
    return (*todo, "a longer log, of more users") if not untried else tuple(todo)


def _paced_advice(log: Logged, policy: JudgedPolicy) -> tuple[str, ...]:
    held = log.parameters[-1]
    drawn = paces(held)
    todo = []
    if float(held["explore"][0]) == 0.0:
        todo.append("experiment.explore above 0, such as 0.05: that share of users then draws a random pace each week")
    if policy.per_week not in drawn:
        known = ", ".join(f"{pace:g}" for pace in drawn)
        todo.append(f"{policy.per_week:g} among pacing.arms, or ask about one of {known}")
    if not todo:
        todo.append(f"a larger experiment.explore than {held['explore'][0]:g}, or a longer log of more users")
    return tuple(todo)


def _held_by(reason: int) -> str:
    return _HELD_BY.get(Reason(reason), Reason(reason).name.lower().replace("_", " "))
