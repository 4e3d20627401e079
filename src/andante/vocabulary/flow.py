"""What flows through the step: records and candidates in, decisions and verdicts out, each of fixed width.

A record's ``kind`` says which of its fields speak. Names have become codes, ids hashes, times whole seconds.
"""

from enum import IntEnum

import numpy as np

from andante.vocabulary.event import EventType
from andante.vocabulary.message import OutcomeType

CANDIDATES_MAX = 16
"""The most candidates of one request."""

NO_CHOICE = -1


class Kind(IntEnum):
    """What a record of the log is. Codes are kept in logs: never reuse one."""

    EVENT = 1  # what a user did
    REQUEST = 2  # may I send one of these?
    RELEASE = 3  # the same, asked by the engine when a deferred push is due
    OUTCOME = 4  # what came of a decision
    PREFERENCES = 5  # what a user wants
    PLAN = 6  # what the slow clock planned for a user
    PARAMETERS = 7  # what holds for all users from here on
    NOTE = 8  # of no effect on any state: an operator's act, a migration


EVENT_CODES = {name: code for code, name in enumerate(EventType)}
OUTCOME_CODES = {name: code for code, name in enumerate(OutcomeType)}

RECORD = np.dtype(
    [
        ("number", "u8"),  # log position; a decision's number
        ("user", "i8"),  # row of the user's record
        ("at_s", "i8"),  # event time, rounded down
        ("kind", "u1"),
        ("type", "u1"),  # of an event or outcome: its code
        ("ceil", "u1"),  # 1 where rounding down took a fraction of a second off ``at_s``
        ("count", "u1"),  # candidates of a request
        ("zone", "u2"),  # preferences: NO_CLOCK leaves as it was
        ("week", "u2"),
        ("first", "i8"),  # where the candidates of a request begin
        ("value", "f8"),  # event: money or dwell seconds; outcome: money; rating: 1 to 5
        ("weight", "f8"),
        # An outcome's decision.
        ("decision", "u8"),  # its number
        # Preferences: bits to give and to refuse; what is in neither stays as it was.
        ("categories_given", "u8"),
        ("categories_refused", "u8"),
        ("channels_given", "u1"),
        ("channels_refused", "u1"),
        ("max_per_day", "u1"),  # NO_DIAL with the bit SETS_DIAL_DAY takes the dial away
        ("max_per_week", "u1"),
        ("sets", "u4"),  # bits SETS_*: which of the scalar preferences are given
        ("quiet_start_min", "u2"),
        ("quiet_end_min", "u2"),
        ("flags", "u4"),  # MEMBER, PROFILING_REFUSED as they are to be, where ``sets`` names them
        ("paused_until_s", "i8"),
        # A plan; NaN leaves as it was.
        ("per_week", "f4"),
        ("interest", "f4"),
        ("theta", "f4"),
        ("spare", "f4"),
    ],
    align=True,
)

SETS_ZONE = 1
SETS_QUIET = 2
SETS_DIAL_DAY = 4
SETS_DIAL_WEEK = 8
SETS_MEMBER = 16
SETS_PROFILING = 32
SETS_PAUSE = 64

CANDIDATE = np.dtype(
    [
        ("value", "f8"),  # money that a conversion brings; 1 where the caller gave none
        ("relevance", "f8"),  # multiplier of the open propensity; 1 is usual
        ("expires_s", "i8"),  # NEVER_S where it does not expire; rounded down
        ("content", "u4"),  # hash of campaign and item; 0 where it has neither
        ("campaign", "u4"),  # hash of the campaign; 0 where it has none
        ("category", "u1"),
        ("channel", "u1"),
        ("spare", "u2"),
    ],
    align=True,
)

VERDICT = np.dtype(
    [
        ("until_s", "i8"),  # the earliest second at which every rule would allow; NEVER_S
        ("index", "f8"),  # net value of sending now, in money; NaN where rules refused
        ("propensity", "f8"),  # probability with which this candidate would have been sent now
        ("open", "f4"),  # expected opens
        ("refused", "u4"),  # a bit per rule that refuses now
        ("reason", "u1"),  # Reason: for a refused one, the rule that binds longest
    ],
    align=True,
)
"""What the step thinks of one candidate."""

DECISION = np.dtype(
    [
        ("at_s", "i8"),  # the user's clock when it was taken: never before an earlier decision
        ("send_at_s", "i8"),  # send: at_s; defer: when to ask again; suppress: 0
        ("propensity", "f8"),  # probability of the action taken
        ("reservation", "f8"),  # what waiting is worth, in money
        ("plan_per_week", "f4"),  # the pace that was followed
        ("credit", "f4"),  # before the decision
        ("fatigue", "f4"),  # before the decision
        ("habituation", "f4"),
        ("chosen", "i1"),  # place of the chosen candidate, or NO_CHOICE
        ("action", "u1"),
        ("reason", "u1"),
        ("explored", "u1"),  # 1 in a week of random pace
        ("by_default", "u1"),  # 1 where consent is the shop's default and nobody's word
    ],
    align=True,
)
