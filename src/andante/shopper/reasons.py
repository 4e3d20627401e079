"""Reasons: why a push came, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from andante.live.recent import RecentPush
    from andante.site.words import Words

_BY_CHANCE, _TRANSACTIONAL = "sent_by_chance", "transactional"


def why(w: Words, push: RecentPush, *, profiling: bool) -> list[str]:
    """Return sentences that say why a push came; ``profiling``: whether its user lets us learn from what they do."""
    return list(_sentences(w, push, profiling=profiling))


def _sentences(w: Words, push: RecentPush, *, profiling: bool) -> Iterator[str]:
    channel, category = w.code("channel", push.channel), w.code("category", push.category)
    yield w.text("pushes.allowed", channel=channel, category=category)
    if push.transactional or push.reason == _TRANSACTIONAL:
        yield w.text("pushes.transactional")
        return
    if push.reason is None:
        yield w.text("pushes.forgotten")
        return
    if push.reason == _BY_CHANCE:
        yield w.text("pushes.sent_by_chance")
    elif push.offered is not None and push.offered > 1:
        yield w.text("pushes.best_of", count=w.integer(push.offered))
    else:
        yield w.text("pushes.best")
    if push.pace_per_week is not None:
        yield w.text("pushes.pace", pace=w.pace(push.pace_per_week))
        yield w.text("pushes.learned" if profiling else "pushes.not_learned")
    yield w.text("pushes.limits")
