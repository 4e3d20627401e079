"""The digest: what waited for a user and comes out together is one push that lists it, where its category asks for it.

A digest adds no waiting of its own: pushes wait because a rule or the plan held them back. When they are asked for
again together, one of them wins and goes out; those of the same category ride along in it, instead of waiting on to
disturb the user once more.
"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from andante.settings.sections import Category
    from andante.vocabulary.records import Candidate


def digested(settings: Mapping[str, Category]) -> frozenset[str]:
    """Return the categories that ask for a digest. Transactional ones never do: each of them is waited for."""
    return frozenset(name for name, category in settings.items() if category.digest and not category.transactional)


def riders(
    candidates: Sequence[Candidate],
    chosen: int,
    worth: Sequence[float],
    origins: Sequence[int],
    categories: Collection[str],
) -> tuple[int, ...]:
    """Return the places of the candidates that ride along with the chosen one, those worth most first.

    ``worth`` is the index of each one's verdict, NaN where a rule refused: such a one does not ride. ``origins`` name,
    for each candidate, the decision that had deferred it, and are empty where nothing had waited. Of what was deferred
    together one goes out, so of each other origin the best candidate rides. ``categories`` are those with a digest.
    """
    wanted = candidates[chosen]
    if not origins or wanted.category not in categories:
        return ()
    best: dict[int, int] = {}
    for place, candidate in enumerate(candidates):
        alike = (candidate.category, candidate.channel) == (wanted.category, wanted.channel)
        if alike and origins[place] != origins[chosen] and not isnan(worth[place]):
            other = best.get(origins[place])
            if other is None or worth[place] > worth[other]:
                best[origins[place]] = place
    return tuple(sorted(best.values(), key=lambda place: (-worth[place], place)))
