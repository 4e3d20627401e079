"""What another policy would have brought, by the log of an engine: with an interval, or the reason why it cannot say.

Four kinds of questions have an answer in such a log, each by something that was left to chance in it:

============== ======================================================= ====================================
asked about    answered by                                             needs
============== ======================================================= ====================================
other settings each decision's own probability, held fixed the state   ``pacing.floor``, ``temperature``
a cap          users' weeks, decision by decision                      the same, unless it fills for a week
a pace         users' weeks in which a random pace was drawn           ``experiment.explore``
no push at all users who were never pushed                             ``experiment.holdout``
============== ======================================================= ====================================

Where that chance was switched off, is too rare, or never did what the policy would do, the answer is that this log
cannot answer, and what to switch on. Its number is then withheld, not printed with a warning.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from andante.evaluation.offpolicy.overlap import Verdict
from andante.runners.counterfactual.answer import (
    DECISION,
    DR,
    IPS,
    SNIPS,
    USER_WEEK,
    Found,
    Judgement,
    Question,
    judge,
    no,
    of_weeks,
    said,
    withheld,
)
from andante.runners.counterfactual.cap import full, let_through, settled
from andante.runners.counterfactual.decisions import choices, of_plan
from andante.runners.counterfactual.horizon import judged_weeks
from andante.runners.counterfactual.log import Drawn, read_log
from andante.runners.counterfactual.policy import Asked, read_policy
from andante.runners.counterfactual.reward import OF_USERS, Reward, planned_sends
from andante.runners.counterfactual.weeks import paces, weeks
from andante.runners.counterfactual.words import advice, outcome, why_unsupported

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from andante.evaluation.offpolicy.decisions import Decisions
    from andante.runners.counterfactual.decisions import Choices
    from andante.runners.counterfactual.log import Logged
    from andante.settings import Cap

    Mask = NDArray[np.bool_]


def counterfactual(path: Path, policy: str, reward: Reward | None = None, *, clip: float | None = None) -> Judgement:
    """Say what a policy would have brought, by a log, which may be in use meanwhile.

    ``clip`` cuts weights above it, which trades chance for a bias towards the log. Raises InputFault for a policy that
    is none (``counterfactual_policy.FORMS``), StoreUnreadable and EmptyInput where there is no log, or nothing in it.
    """
    asked, reward = read_policy(policy), reward or Reward()
    by_decision = asked.kind in {Asked.CAP, Asked.SETTINGS, Asked.LOGGED}
    log = read_log(path, asked.judged if by_decision else None)
    question = Question(log, asked, reward, reward.whole(log), math.inf if clip is None else clip)
    if not question.whole.any():
        return said(question, no("none of its decisions is as old as its outcomes may take", "a longer log"))
    if log.different:
        why = f"{log.different:,} of its decisions come out otherwise under this version of the step"
        return said(question, no(why, "the release that wrote it, under which `andante replay` says exact"))
    if by_decision and reward.name in OF_USERS:
        why = f"{reward.name} belong to a user's week, and to no single decision"
        other = "--reward opens, clicks, conversions or value"
        return said(question, no(why, other, "--policy pace=K or --policy none"))
    if asked.cap is not None:
        return said(question, _by_cap(question, asked.cap))
    return said(question, _by_decisions(question) if by_decision else _by_weeks(question))


def _by_decisions(question: Question) -> Found:
    """Answer by what chance had a part in: each decision by itself, then the decisions of a user's week together."""
    log, policy = question.log, question.policy
    left = policy.left_out(log.parameters[-1], log.names)
    if left and not policy.changes(log.parameters[-1], log.names):
        why = f"what the configuration changes ({', '.join(left)}) shows over weeks, and in no single decision"
        return no(why, "--policy pace=K, which asks the weeks of a random pace")
    (drawn,) = log.judged
    chosen = choices(log, drawn)
    planned = question.whole & of_plan(log, drawn)
    rows = planned & chosen.open
    sends = _sends(log, chosen, planned)
    if not rows.any():
        sentence = "This log answers: the policy would have taken every decision as it was: nothing would have changed."
        return Found(Verdict("answers", sentence), sends=sends)
    rewards = question.reward.by_decision(log)
    judged = chosen.decisions(log, drawn, rewards, rows)
    untried = chosen.untried(rows)
    overlap, found = judge(judged, untried)
    same = policy.kind is Asked.LOGGED
    lines = question.lines(judged, (SNIPS, IPS) if same else (DR, SNIPS, IPS), DECISION)
    if same:
        found = Verdict("answers", "This log answers: it is its own policy, so that every weight is 1.")
    else:
        why = why_unsupported(log, chosen, rows) if untried > 0 and found.answer != "answers" else ""
        said_so = outcome(lines, question.reward.name, found.answer)
        found = replace(found, sentence=" ".join(filter(None, (found.sentence, why, said_so))))
    over = judged_weeks(question, chosen, rewards, question.finished & of_plan(log, drawn), untried)
    return Found(
        found,
        [*withheld(lines, found.answer), *over.lines],
        sends,
        overlap,
        int(rows.sum()),
        over.verdict.sentence.replace("This log", "Over a user's week it"),
        () if found.answer == "answers" else advice(log, policy, overlap, untried=untried),
    )


def _by_cap(question: Question, cap: Cap) -> Found:
    """Answer by users' weeks, each of which begins with room for the whole cap.

    A cap that lets through in a window what the log sent in it changes nothing; one that is full refuses all it counts.
    Had the cap counted what the *logged* policy had sent in the week before, it would have been full from the start,
    by pushes that it would never have let through.
    """
    log = question.log
    if not question.finished.any():
        return no("no user's week in it is over, outcomes and all", "a longer log")
    shut = full(log, cap)
    drawn = _either(log, shut)
    chosen = choices(log, drawn)
    rows = question.finished & of_plan(log, drawn)
    untried = chosen.untried(rows)
    steps = rows & ~(shut if settled(cap) else np.zeros(len(shut), bool))
    over = judged_weeks(question, chosen, question.reward.by_decision(log), rows, untried, steps=steps)
    found = over.verdict
    why = why_unsupported(log, chosen, rows) if untried > 0 and found.answer != "answers" else ""
    said_so = outcome(over.lines, question.reward.name, found.answer)
    found = replace(found, sentence=" ".join(filter(None, (found.sentence, why, said_so))))
    cells = max(over.cells, 1)
    sends: dict[str, float | None] = {
        "logged": float(planned_sends(log)[rows].sum()) / cells,
        "judged": over.sends,
        "let_through": float(let_through(log, cap)[rows].sum()) / cells,
    }
    todo = () if found.answer == "answers" else advice(log, question.policy, over.overlap, untried=untried)
    return Found(found, over.lines, sends, over.overlap, over.cells, "", todo)


def _either(log: Logged, shut: Mask) -> Drawn:
    """Return what a cap would draw from: as if it were not there while it has room, and nothing it counts after."""
    has_room, refuses = log.judged
    owner = log.owner()
    return Drawn(
        np.where(shut, refuses.decisions, has_room.decisions),
        np.where(shut[owner], refuses.verdicts, has_room.verdicts),
    )


def _sends(log: Logged, chosen: Choices, planned: Mask) -> dict[str, float | None]:
    """Return pushes per user-week: as logged, and by the judged policy at each decision as it stood in the log."""
    cells = np.unique(np.stack([log.user, log.week])[:, planned], axis=1).shape[1]
    return {
        "logged": float(planned_sends(log)[planned].sum()) / max(cells, 1),
        "judged": float(chosen.sends[planned].sum()) / max(cells, 1),
    }


def _by_weeks(question: Question) -> Found:
    """Answer by users' weeks: of a random pace, or of users who were never pushed."""
    log, policy = question.log, question.policy
    unpushed = policy.kind is Asked.NONE
    if unpushed and question.reward.name not in OF_USERS:
        why = f"without pushes there are no {question.reward.name}, so there is nothing to estimate"
        return no(why, "--reward visits or --reward spend: what users do of themselves")
    found_weeks = weeks(log, question.reward, question.finished)
    rows = np.ones(len(found_weeks.user), bool) if unpushed else ~found_weeks.held_out
    taken = found_weeks.held_out if unpushed else rows & found_weeks.drawn(policy.per_week or 0.0)
    if not taken.any():
        return no(_never_drawn(question), *advice(log, policy, None))
    judged: Decisions = found_weeks.unpushed() if unpushed else found_weeks.paced(policy.per_week or 0.0)
    overlap, found = judge(judged)
    lines = question.lines(judged, (SNIPS, IPS), USER_WEEK)
    found = of_weeks(found)
    found = replace(found, sentence=f"{found.sentence} {outcome(lines, question.reward.name, found.answer)}".strip())
    sends: dict[str, float | None] = {
        "logged": float(found_weeks.sends[rows].mean()),
        "judged": float(found_weeks.sends[taken].mean()),
    }
    todo = () if found.answer == "answers" else advice(log, policy, overlap)
    return Found(found, withheld(lines, found.answer), sends, overlap, int(taken.sum()), "", todo)


def _never_drawn(question: Question) -> str:
    """Say why no week of the log shows what is asked."""
    held = question.log.parameters[-1]
    if question.policy.kind is Asked.NONE:
        return "nobody who was asked about was held out"
    if float(held["explore"][0]) == 0.0:
        return "no week of a random pace was drawn (experiment.explore is 0)"
    drawn = ", ".join(f"{pace:g}" for pace in paces(held))
    return f"no week that is over was paced at {question.policy.per_week:g}: the random paces are {drawn}"
