"""Admission: what callers give becomes columns and records, or is refused with its place, its problem and what to do.

Nothing past this door is checked again: kernels take numbers as they come. Requests, preferences and plans are taken
whole or not at all; events and outcomes one by one, because a list of them comes from a stream that does not stop for
a bad row.
"""

from andante.live.admission_plan import AdmittedPlan, admit_plan
from andante.live.admission_preferences import (
    AdmittedPreferences,
    Entry,
    admit_preferences,
    admit_standing,
    admit_user_id,
    preference_entries,
)
from andante.live.admission_requests import AdmittedRequests, admit_requests, candidate_array
from andante.live.admission_stream import AdmittedEvents, AdmittedOutcomes, admit_events, admit_outcomes

__all__ = [
    "AdmittedEvents",
    "AdmittedOutcomes",
    "AdmittedPlan",
    "AdmittedPreferences",
    "AdmittedRequests",
    "Entry",
    "admit_events",
    "admit_outcomes",
    "admit_plan",
    "admit_preferences",
    "admit_requests",
    "admit_standing",
    "admit_user_id",
    "candidate_array",
    "preference_entries",
]
