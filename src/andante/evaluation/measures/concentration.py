"""Whether a figure is many users', or a few accounts': a mean over users with one giant is that giant's.

In one real log a single account held 87 % of all opens. No interval shows that: a bootstrap over users that holds the
giant or not spreads wide, but its middle is still the giant's. So figures go with who holds them, with the rate at
which every user counts once, and with what is left when the influence of one account is clipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from andante.evaluation.interval import RESAMPLES, Interval, mean_over_users
from andante.vocabulary.fault import InputFault, NotEnoughData

Floats = NDArray[np.float64]

SHARE_MAX = 0.05
"""An account with a larger share of a total is bot-like if it is also far from all others."""
FAR = 20.0
"""How many times the clip an account holds to be far from all others."""
CLIP_QUANTILE = 0.99
"""Where influence is clipped: so many of the users with anything at all lie below."""
NAMED_MAX = 10


@dataclass(frozen=True, slots=True)
class Account:
    """An account that holds much of a total."""

    user: str
    amount: float
    share: float  # of the total


@dataclass(frozen=True, slots=True)
class Concentration:
    """Who holds a total."""

    total: float
    users_active: int  # with anything at all
    users_effective: float  # (Σx)² / Σx²: as many equal users would vary as much
    top_percent_share: float  # held by the 1 % of active users with most, at least one
    bot_like: tuple[Account, ...]  # the largest first, at most ten
    clip: float
    clipped_mean: Interval  # per user, with every user's amount clipped
    active_share: Interval  # share of users with anything at all: every user counts once
    sentence: str


def concentration(
    amounts: ArrayLike, names: Sequence[object] | None = None, *, seed: int, resamples: int = RESAMPLES
) -> Concentration:
    """Tell who holds a total of amounts ≥ 0, such as opens, one per user; name accounts that are bot-like.

    An account is bot-like if it holds more than 5 % of the total, and 20 times what 99 % of active users stay below.
    Such an account may be a person, a shop's own test phone, or all guests under one id: look at it, and leave it out
    *before* looking at a result. Raises InputFault for negative amounts, NotEnoughData without any.

    >>> found = concentration([1.0] * 130 + [870.0], [*range(130), "guest"], seed=1)
    >>> found.bot_like[0].user, found.bot_like[0].share, round(found.clipped_mean.value, 2)
    ('guest', 0.87, 1.0)
    """
    x = np.asarray(amounts, dtype=np.float64)
    if x.ndim != 1 or (names is not None and len(names) != len(x)) or np.any(~(x >= 0)):
        raise InputFault("amounts", f"shape {x.shape}", "are not one number ≥ 0 per user", "give sums per user")
    total = float(x.sum())
    if not total:
        raise NotEnoughData("amounts", "0 in total", "are nobody's", "give a total above zero")
    clip = _clip(x)
    order = np.argsort(-x, kind="stable")
    held = [(int(k), float(x[k] / total)) for k in order[:NAMED_MAX] if x[k] > SHARE_MAX * total and x[k] >= FAR * clip]
    bots = tuple(Account(str(names[k] if names is not None else k), float(x[k]), share) for k, share in held)
    active = int((x > 0).sum())
    top = float(x[order[: max(1, active // 100)]].sum() / total)
    return Concentration(
        total=total,
        users_active=active,
        users_effective=float(total**2 / (x @ x)),
        top_percent_share=top,
        bot_like=bots,
        clip=clip,
        clipped_mean=mean_over_users(np.minimum(x, clip), seed=seed, resamples=resamples),
        active_share=mean_over_users(x > 0, seed=seed, resamples=resamples),
        sentence=_sentence(bots, top, active),
    )


def _clip(x: Floats) -> float:
    """Return what 99 % of active users stay below; of the others, where that leaves out the largest account only."""
    active = np.sort(x[x > 0])
    others = active[:-1] if len(active) > 1 else active
    return float(np.quantile(others, CLIP_QUANTILE, method="lower"))


def _sentence(bots: tuple[Account, ...], top: float, active: int) -> str:
    if not bots:
        return f"no account is bot-like; the 1 % of {active:,} active users with most hold {top:.0%}"
    named = ", ".join(f"{bot.user} holds {bot.share:.0%}" for bot in bots)
    return f"bot-like: {named}; any mean over rows is mostly theirs, so count each user once"
