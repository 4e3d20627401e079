"""The user's record: everything that a decision knows of one user, in one fixed width.

Version 1. Stored as bytes in every store and stepped by compiled code, so a field never changes its meaning: a new
layout is a new version, and ``andante.engine.migration`` reads the older ones. It holds numbers alone, no raw text.

Times are whole seconds since 1970-01-01 UTC (``_s``), 0 where there is none. Decayed sums stand as they were at their
anchor (``_anchor_s``): adding what happened before the anchor gives the same sum as adding it in its turn, so the
order of arrival does not matter. Counts forget by half-lives given in the parameters.
"""

import numpy as np

SLOTS = 32
"""How many sends the record remembers. It is the most that any cap can count."""

CHANNELS_MAX = 8
CATEGORIES_MAX = 64
EVENT_TYPES = 10

NO_CLOCK = 0xFFFF
"""A quiet minute, or a zone, that the user has not set."""

NO_DIAL = 0xFF
"""A dial that the user has not set."""

NEVER_S = 2**62
"""No time at all: a rule that never allows."""

# Bits of ``flags``.
MEMBER = 1
PROFILING_REFUSED = 2  # the user objects to profiling: nothing is learned from their events
KNOWN = 4  # a consent record exists

# Bits of ``sent_scope``: category in bits 0 to 5, channel in bits 6 to 8.
CHANNEL_SHIFT = 6
CATEGORY_MASK = 0x3F
CHANNEL_MASK = 0x7
SENT_TRANSACTIONAL = 0x8000  # bypassed the caps, and counts in none
SENT_UNLEARNED = 0x4000  # teaches nothing: its user objects to profiling

USER = np.dtype(
    [
        ("key", "u8"),  # hash of the user's id: what chance is drawn from
        ("position", "u8"),  # log position of the last record folded in
        # The user's own clock: the latest decision. Decisions never run back behind it.
        ("now_s", "i8"),
        ("born_s", "i8"),  # first record
        ("paused_until_s", "i8"),
        ("forgotten_s", "i8"),  # the latest capped send that the slots had no room for
        # Consent and preferences. Bits by code of channel and category.
        ("categories_given", "u8"),
        ("categories_refused", "u8"),
        ("flags", "u4"),
        ("zone", "u2"),  # code, or NO_CLOCK
        ("quiet_start_min", "u2"),  # local minutes of the day, or NO_CLOCK; equal ones mean no quiet hours
        ("quiet_end_min", "u2"),
        ("channels_given", "u1"),
        ("channels_refused", "u1"),
        ("max_per_day", "u1"),  # the user's own dial, or NO_DIAL; 0 means none at all
        ("max_per_week", "u1"),
        ("spare_2", "u2"),
        # Plan and pace.
        ("plan_per_week", "f4"),  # NaN: none published
        ("interest", "f4"),  # in [0, 1]; NaN: unknown
        ("theta", "f4"),  # the threshold that interest is held against; NaN: unknown
        ("adjustment", "f4"),  # what feedback adds to the plan, in pushes per week
        ("arm_per_week", "f4"),  # random pace of ``arm_week``; NaN: follows the plan
        ("arm_week", "u4"),  # weeks since 1970; 0: never drawn
        ("credit", "f4"),  # pushes, as of ``credit_s``
        ("asked_day", "u4"),  # days since 1970 of the first request that offered something
        ("credit_s", "i8"),  # 0: never filled
        # Pressure of pushes, as of ``pressure_anchor_s``.
        ("pressure_anchor_s", "i8"),
        ("fatigue", "f4"),
        ("habituation", "f4"),
        # Evidence, decayed with the half-life of evidence, as of ``evidence_anchor_s``.
        ("evidence_anchor_s", "i8"),
        ("opens", "f4"),
        ("open_exposure", "f4"),  # sum over sends of the expected opens of one with propensity 1
        ("visits", "f4"),  # organic ones; their exposure follows from ``born_s``
        ("opened_sends", "f4"),  # exposure of conversions
        ("conversions", "f4"),
        ("refusals", "f4"),  # opt-outs, complaints, not interested, weighed
        ("refusal_exposure", "f4"),
        ("satisfaction_sum", "f4"),  # ratings in [0, 1] times their weight
        ("satisfaction_weight", "f4"),
        ("offers", "f4"),  # requests with an eligible candidate
        ("offer_value", "f4"),  # sum over them of the best candidate's value times relevance
        ("spare_4", "u4"),
        # Behaviour: decayed counts by event type, as of ``counts_anchor_s``.
        ("counts_anchor_s", "i8"),
        ("last_purchase_s", "i8"),
        ("counts", "f4", (EVENT_TYPES,)),
        # When this user is active, in local time: decayed counts as of ``rhythm_anchor_s``.
        ("rhythm_anchor_s", "i8"),
        ("hours", "f4", (24,)),
        ("weekdays", "f4", (7,)),
        # The last sends, in no order; a slot without a time is free.
        ("sent_s", "u4", (SLOTS,)),  # rounded up to a whole second
        ("sent_number", "u4", (SLOTS,)),  # low half of the decision's number
        ("sent_content", "u4", (SLOTS,)),  # hash of campaign and item
        ("sent_scope", "u2", (SLOTS,)),
        ("sent_outcomes", "u2", (SLOTS,)),  # a bit per OutcomeType, in the order of its members
        ("spare_end", "u4"),
    ],
    align=True,
)
"""The record of one user: these fields in this order, aligned as C does and without gaps, little-endian."""


def new_users(count: int) -> np.ndarray:
    """Return records of users of whom nothing is known, ready to be stepped."""
    users = np.zeros(count, USER)
    users["zone"] = users["quiet_start_min"] = users["quiet_end_min"] = NO_CLOCK
    users["max_per_day"] = users["max_per_week"] = NO_DIAL
    for field in ("plan_per_week", "interest", "theta", "arm_per_week"):
        users[field] = np.nan
    return users
