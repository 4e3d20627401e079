"""A bench to hold a rule on: a user, a candidate and parameters that no rule refuses, ready to be changed."""

from datetime import UTC, datetime

import numpy as np

from andante.vocabulary.flow import CANDIDATE, VERDICT
from andante.vocabulary.parameters import NO_QUOTA, PARAMETERS
from andante.vocabulary.state import CHANNEL_SHIFT, NEVER_S, NO_CLOCK, SENT_TRANSACTIONAL, new_users
from andante.zones import table

HOUR_S, DAY_S = 3600, 86_400
NOON_S = int(datetime(2026, 6, 17, 12, tzinfo=UTC).timestamp())
ZONE_NAMES = (
    "Etc/UTC",
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
)


def single(records):
    """Return the one record as compiled and plain code take it: fields are attributes."""
    return records.view(np.recarray)[0]


class Bench:
    """One user, one candidate, one set of parameters and an empty verdict."""

    def __init__(self):
        self.users = new_users(1)
        self.users["channels_given"] = 0xFF
        self.user = single(self.users)
        self.candidate = single(np.zeros(1, CANDIDATE))
        self.candidate.expires_s = NEVER_S
        self.candidate.category, self.candidate.channel = 3, 1
        self.parameters = single(np.zeros(1, PARAMETERS))
        for field in ("quiet_start_min", "quiet_end_min", "quota_quiet_start_min", "quota_quiet_end_min"):
            self.parameters[field] = NO_CLOCK
        self.parameters["quota"] = self.parameters["quota_news"] = NO_QUOTA
        self.zones = table.build(ZONE_NAMES)
        self.verdict = single(np.zeros(1, VERDICT))

    def sent(self, *times_s, category=3, channel=1, content=0, transactional=False):
        """Put sends into the first free slots."""
        for sent_s in times_s:
            slot = int(np.argmin(self.user["sent_s"]))
            assert self.user["sent_s"][slot] == 0
            self.user["sent_s"][slot] = sent_s
            self.user["sent_content"][slot] = content
            self.user["sent_scope"][slot] = (
                category | channel << CHANNEL_SHIFT | (SENT_TRANSACTIONAL if transactional else 0)
            )
        return self

    def caps(self, *caps):
        """Set the caps, each (kind, code, limit, window_s)."""
        self.parameters.caps = len(caps)
        for place, cap in enumerate(caps):
            for field, value in zip(("cap_kind", "cap_code", "cap_limit", "cap_window_s"), cap, strict=True):
                self.parameters[field][place] = value
        return self

    def quiet(self, start, end):
        """Set the configured quiet hours, as HH:MM."""
        self.parameters.quiet_start_min, self.parameters.quiet_end_min = minutes(start), minutes(end)
        return self

    def ask(self, rule, at_s=NOON_S):
        """Return what a rule answers."""
        return int(rule(self.user, self.candidate, self.parameters, self.zones, at_s))

    def judged(self, judge, at_s=NOON_S):
        """Return the verdict on the candidate: the refusing rules' codes, until when, and the reason."""
        judge(self.user, self.candidate, self.parameters, self.zones, at_s, self.verdict)
        refused = [code for code in range(32) if int(self.verdict.refused) >> code & 1]
        return refused, int(self.verdict.until_s), int(self.verdict.reason)


def minutes(text):
    """Return the minute of the day."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


def utc_s(text):
    """Return the instant that ISO text names in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
