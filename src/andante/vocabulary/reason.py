"""Actions and reasons: what a decision can be, and why. Codes are kept in logs: never reuse one."""

from enum import IntEnum


class Action(IntEnum):
    """What a decision says."""

    SUPPRESS = 0
    DEFER = 1
    SEND = 2


class Reason(IntEnum):
    """Why a candidate goes out, or does not. The first ones are rules, each a bit of a verdict's ``refused``."""

    # Rules, in the order in which the step asks them. A rule's code is its bit.
    KILL_SWITCH = 0
    HOLDOUT = 1
    CONSENT_CHANNEL = 2
    CONSENT_CATEGORY = 3
    PAUSED = 4  # by the user, for a while
    EXPIRY = 5
    DUPLICATE = 6  # the same content went out lately
    QUIET_HOURS = 7
    DIAL = 8  # the user's own maximum a day or a week
    CAP_GLOBAL = 9
    CAP_CATEGORY = 10
    CAP_CHANNEL = 11
    GAP = 12  # too soon after the last push
    VENDOR_QUOTA = 13
    # Pacing: what the rules allow, and the plan holds back.
    PACE = 32  # the plan's credit is not yet there
    RESERVED = 33  # the slot is worth more later
    HELD_BY_CHANCE = 34  # exploration held back what would have gone out
    OUTRANKED = 35  # another candidate of the same request is worth more
    WORTHLESS = 36  # what it costs is more than what it brings
    MERGED = 37  # it waited, and a newer one of its campaign or item took its place
    FINAL_CHECK = 38  # the rules, asked again of the chosen action, refused it
    # Why a push goes out.
    BEST = 64  # worth more than waiting
    TRANSACTIONAL = 65  # the user waits for it
    SENT_BY_CHANCE = 66  # exploration sent what would have been held


RULES = tuple(reason for reason in Reason if reason < Reason.PACE)
"""The rules, in the order in which they are asked."""
