"""A cap over a log: how many of its sends it would have let through, and where it would have been full."""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from andante.pacing.credit import WEEK_S
from andante.runners.counterfactual.policy import cap_code
from andante.runners.counterfactual.reward import planned_sends
from andante.vocabulary.parameters import CAP_CATEGORY, CAP_CHANNEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.runners.counterfactual.log import Logged
    from andante.settings import Cap

    Mask = NDArray[np.bool_]


def let_through(log: Logged, cap: Cap) -> Mask:
    """Tell which logged sends a cap lets through, shape [n]; False where nothing was sent. Counted, not estimated.

    They are taken in the order of the log. One that the cap refuses takes no place in it, so that a later one may have
    that place: this is what the rule itself would have refused at each moment, had nothing else changed. A send counts
    in a window of W seconds at t when it went out later than t − W; transactional ones neither count nor are refused.
    """
    passes: Mask = planned_sends(log).copy()
    window_s = int(cap.window.total_seconds())
    asked_s = log.drawn.decisions["at_s"]
    booked_s = np.maximum(log.at_s + log.ceil, asked_s)  # a send takes its place from the next whole second
    counted = np.flatnonzero(passes & _scoped(log, cap))
    taken: dict[int, list[int]] = {}
    for place in counted.tolist():
        sent = taken.setdefault(int(log.user[place]), [])
        since_s = int(asked_s[place]) - window_s
        if len(sent) - bisect_right(sent, since_s) >= cap.limit:
            passes[place] = False
        else:
            sent.append(int(booked_s[place]))
    return passes


def full(log: Logged, cap: Cap) -> Mask:
    """Tell at which decisions a cap is full by what the log sent in the same week before it, shape [n].

    Each week begins with room for the whole cap: what the week before brought, another policy had decided.
    """
    window_s = int(cap.window.total_seconds())
    asked_s = log.drawn.decisions["at_s"]
    booked_s = np.maximum(log.at_s + log.ceil, asked_s)
    counts = planned_sends(log) & _scoped(log, cap)
    since_s = np.maximum(asked_s - window_s, log.week * WEEK_S - 1)
    columns = (log.user.tolist(), booked_s.tolist(), since_s.tolist(), counts.tolist())
    shut = np.zeros(len(counts), bool)
    taken: dict[int, list[int]] = {}
    for place, (user, booked, since, counted) in enumerate(zip(*columns, strict=True)):
        sent = taken.setdefault(user, [])
        shut[place] = len(sent) - bisect_right(sent, since) >= cap.limit
        if counted:
            sent.append(booked)
    return shut


def settled(cap: Cap) -> bool:
    """Tell whether a cap that is full lets nothing through for the rest of the week, whatever happens.

    Then a week under it is the logged one up to that moment, and nothing after: no chance is needed to know it.
    """
    return cap.scope == "global" and cap.window >= timedelta(days=7)


def _scoped(log: Logged, cap: Cap) -> Mask:
    """Tell which decisions chose something that the cap counts."""
    kind, code = cap_code(cap, log.names)
    chosen = log.candidates[log.first + np.maximum(log.drawn.decisions["chosen"], 0)]
    if kind == CAP_CATEGORY:
        scoped: Mask = chosen["category"] == code
    elif kind == CAP_CHANNEL:
        scoped = chosen["channel"] == code
    else:
        scoped = np.ones(len(chosen), bool)
    return scoped
