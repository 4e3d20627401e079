"""Plans at the desk: what the slow clock planned for each user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from andante.live.consent import objection
from andante.live.desk import records_of
from andante.vocabulary.flow import Kind
from andante.vocabulary.records import Receipt, Rejection

if TYPE_CHECKING:
    from andante.live.admission import AdmittedPlan
    from andante.live.desk import Draft


def take_plan(draft: Draft, admitted: AdmittedPlan, at_us: int) -> Receipt:
    """Step what the slow clock planned, and log it. Users without consent are planned nothing."""
    problems = [objection(draft, user_id) for user_id in admitted.user_ids]
    kept = [place for place, problem in enumerate(problems) if problem is None]
    rejected = tuple(
        Rejection(index=place, field="user_id", problem=problem)
        for place, problem in enumerate(problems)
        if problem is not None
    )
    if kept:
        first = draft.numbers(len(kept))
        positions = np.arange(first, first + len(kept))
        users = draft.users([admitted.user_ids[place] for place in kept])
        records = records_of(
            len(kept),
            kind=Kind.PLAN,
            number=positions,
            user=users,
            at_s=at_us // 1_000_000,
            per_week=admitted.per_week[kept],
            interest=admitted.interest[kept],
            theta=admitted.theta[kept],
        )
        draft.fold(records)
        bodies = [admitted.bodies[place] for place in kept]
        draft.rows += [
            (position, int(Kind.PLAN), user, at_us, None, body)
            for position, user, body in zip(positions.tolist(), users.tolist(), bodies, strict=True)
        ]
    return Receipt(accepted=len(kept), duplicates=0, rejected=rejected)
