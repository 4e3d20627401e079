"""Consent at the door: whose data may be processed at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from andante.vocabulary.state import KNOWN, PROFILING_REFUSED

if TYPE_CHECKING:
    from andante.live.desk import Draft

NO_CONSENT = "has no consent record: nothing is processed before set_preferences gives consent"
NO_PROFILING = "objects to profiling: their events are not processed"


def objection(draft: Draft, user_id: str) -> str | None:
    """Return why a user's events may not be processed."""
    row = draft.desk.population.row(user_id)
    allowed = bool(draft.desk.deciding()["allows_by_default"][0])
    flags = 0 if row is None else int(draft.desk.population.users[row]["flags"])
    if flags & PROFILING_REFUSED:
        return NO_PROFILING
    return None if allowed or flags & KNOWN else NO_CONSENT
