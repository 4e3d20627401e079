"""The page of one decision: its whole path, from what was known to what was done, one numbered station after another.

Every number is the engine's own, computed once more on the user's record as it was (:mod:`andante.live.trace`).
"""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from andante.dashboard.doors import door, show

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from andante.dashboard.console import Console
    from andante.live.trace_shapes import Offered, Posterior, Terms
    from andante.site.pages import Visit
    from andante.site.words import Words

STATIONS = ("events", "profile", "interest", "plan", "candidates", "rules", "index", "action")
"""The path, in order: the headings of the page."""

SIGNIFICANT = 3
_FINE, _LEAST = 1e-6, 1e-12


def routes(console: Console) -> list[BaseRoute]:
    """Return the route of the page of a decision."""
    return [door(console, "GET", "decisions/{decision_id}", look)]


async def look(console: Console, seen: Visit) -> Response:
    """Show the whole path of one decision."""
    trace = await console.run(console.engine.inspection.trace, seen.path["decision_id"])
    return show(
        console,
        seen,
        "decision.html",
        t=trace,
        stations=STATIONS,
        user_path=user_path(trace.user_id),
        ladders={place: ladder(one.terms) for place, one in enumerate(trace.candidates) if one.terms is not None},
        rules=rules_table(trace.candidates),
        heights=[100 * hour / max(trace.profile.hours) for hour in trace.profile.hours],
        figure=figure,
        share=share,
        because=Because(seen.words),
    )


def user_path(user_id: str) -> str:
    """Return the path of a user's page, whatever their id is made of."""
    return f"/dashboard/users/{quote(user_id, safe='')}"


class Because(NamedTuple):
    """Says reasons and times for a template."""

    words: Words

    def reason(self, code: str) -> str:
        """Say why, as the end of a sentence."""
        return self.words.code("decision_reason", code)

    def when(self, at: datetime | None) -> str:
        """Say when, or never."""
        return self.words.text("decision.never") if at is None else self.words.moment(at)

    def evidence(self, rate: Posterior) -> str:
        """Say what a rate was learned from."""
        return self.words.text(
            "decision.evidence",
            count=figure(rate.count),
            exposure=figure(rate.exposure),
            prior_count=figure(rate.prior_count),
            prior_exposure=figure(rate.prior_exposure),
        )


class Rung(NamedTuple):
    """One term of an index as a bar, from where the terms before it have come to."""

    term: str  # brings, refusal_cost, wear, kappa, mu, index
    amount: float  # in money; what costs is below 0
    left: float  # where the bar begins, in percent of the picture
    width: float


class Ladder(NamedTuple):
    """The index of a candidate as bars: what it brings, what is taken off it, and what is left."""

    rungs: tuple[Rung, ...]
    zero: float  # where nothing is, in percent


def ladder(terms: Terms) -> Ladder:
    """Lay the terms of an index out one below the other."""
    steps = {"brings": terms.brings}
    steps |= {name: -getattr(terms, name) for name in ("refusal_cost", "wear", "kappa", "mu")}
    ends = [0.0]
    for amount in steps.values():
        ends.append(ends[-1] + amount)
    low, high = min(0.0, *ends), max(_LEAST, *ends)

    def placed(value: float) -> float:
        return 100 * (value - low) / (high - low)

    rungs = [
        Rung(name, amount, placed(min(begin, end)), placed(max(begin, end)) - placed(min(begin, end)))
        for (name, amount), begin, end in zip(steps.items(), ends[:-1], ends[1:], strict=True)
    ]
    total = terms.index
    rungs.append(Rung("index", total, placed(min(0.0, total)), placed(max(0.0, total)) - placed(min(0.0, total))))
    return Ladder(tuple(rungs), placed(0.0))


class Judged(NamedTuple):
    """What one rule says of every candidate: None where it allows, else until when it refuses."""

    rule: str
    refuses: tuple[bool, ...]
    until: tuple[datetime | None, ...]


def rules_table(candidates: Sequence[Offered]) -> list[Judged]:
    """Return a row for each rule, in the order in which they are asked."""
    by_rule = zip(*(one.rules for one in candidates), strict=True)
    return [
        Judged(said[0].rule, tuple(one.refuses for one in said), tuple(one.until for one in said)) for said in by_rule
    ]


def figure(value: float | None) -> str:
    """Write a number with three digits that matter, never in powers of ten.

    >>> [figure(one) for one in (0, 4e-12, 0.000123456, 0.25, 12.3456, 1234567.0, -0.5, None)]
    ['0', '≈ 0', '0.000123', '0.25', '12.3', '1,234,567', '-0.5', '–']
    """
    if value is None:
        return "–"
    if abs(value) < _FINE:
        return "≈ 0" if value else "0"
    digits = max(0, SIGNIFICANT - 1 - floor(log10(abs(value))))
    written = f"{value:,.{digits}f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def share(value: float | None) -> str:
    """Write a probability as a percentage.

    >>> share(0.0123), share(1.0)
    ('1.23%', '100%')
    """
    return "–" if value is None else f"{figure(100 * value)}%"
