"""A random history through learning and pacing, as one digest: the same compiled and uncompiled. Run as a script."""

import hashlib

import numpy as np

from andante.engine.learn import on_event, on_offer, on_outcome, on_plan, on_preferences, on_sent
from andante.pacing.credit import credit_at, pace_per_week, ready_s, settle, turn_week
from andante.pacing.explore import choose, send_probability
from andante.pacing.index import index
from andante.pacing.reservation import reservation
from andante.pacing.response import moment, satisfaction
from andante.pacing.spread import spread
from andante.vocabulary.flow import CANDIDATE, OUTCOME_CODES, RECORD, SETS_PROFILING, VERDICT
from andante.vocabulary.parameters import ADJUST_MULTIPLICATIVE
from andante.vocabulary.state import EVENT_TYPES, NEVER_S, PROFILING_REFUSED, new_users

STEPS, USERS, START_S = 400, 4, 1_800_000_000


def main() -> None:
    """Print the digest of all users' bytes, and of every number that was computed on the way."""
    from pacing_desk import ZONES, made_parameters  # noqa: PLC0415  beside this script

    parameters = made_parameters(explore=0.3, arms=3, adjusts=ADJUST_MULTIPLICATIVE, adjust_rate=0.2, spread_s=900)
    parameters["arm_per_week"][0, :3] = (0.0, 2.0, 7.0)
    parameters["refusal_weight"], parameters["explore_candidates"], parameters["floor"] = 0.2, 0.3, 0.02
    parameters["transactional"], parameters["quiet_start_min"], parameters["quiet_end_min"] = 2, 1320, 480
    p = parameters.view(np.recarray)[0]
    users = new_users(USERS).view(np.recarray)
    users["key"] = np.uint64(2**64 - 1) // np.arange(1, USERS + 1, dtype=np.uint64)
    users["zone"] = np.arange(USERS) % 3
    random, digest, at_s = np.random.default_rng(17), hashlib.sha256(), START_S
    for number in range(1, STEPS + 1):
        at_s += int(random.exponential(20_000))
        user = users[int(random.integers(USERS))]
        record = filled(random, number, at_s)
        act = random.random()
        if act < 0.4:
            on_event(user, record, p, ZONES)
        elif act < 0.55:
            record.type = random.integers(len(OUTCOME_CODES))
            on_outcome(user, record, p, ZONES)
        elif act < 0.6:
            on_plan(user, record)
        elif act < 0.63:
            record.sets, record["flags"] = SETS_PROFILING, PROFILING_REFUSED * int(random.random() < 0.3)
            on_preferences(user, record)
        else:
            digest.update(decided(user, record, p, ZONES, random).tobytes())
    digest.update(users.tobytes())
    print(digest.hexdigest())  # noqa: T201  the answer


def filled(random, number, at_s):
    """Return a record with something in every field that is read."""
    record = np.zeros(1, RECORD).view(np.recarray)[0]
    record.number, record.at_s, record.ceil = number, at_s - int(random.integers(90_000)), number % 2
    record.type, record.value = random.integers(EVENT_TYPES), random.integers(1, 6)
    record.decision = max(number - int(random.integers(40)), 0)
    record.per_week, record.interest, record.theta = random.choice([np.nan, 0, 3]), random.random(), 0.4
    return record


def decided(user, record, p, zones, random):
    """Take a decision of sorts, and return every number that it gave."""
    at_s = max(int(record.at_s), int(user.now_s))
    user.now_s = at_s
    candidate = np.zeros(1, CANDIDATE).view(np.recarray)[0]
    candidate.value, candidate.relevance, candidate.category = (
        random.exponential(10),
        random.random() * 2,
        record.number % 3,
    )
    candidate.expires_s = at_s + 40_000 if record.number % 2 else NEVER_S
    turn_week(user, p, at_s)
    per_week = pace_per_week(user, p, at_s)
    credit = credit_at(user, p, at_s, per_week)
    settle(user, credit, at_s)
    now = moment(user, p, zones, at_s, per_week)
    worth, opened = index(now, p, candidate)
    kept, later_s = reservation(user, now, p, zones, candidate, worth, at_s, per_week)
    verdicts = np.zeros(3, VERDICT).view(np.recarray)
    verdicts["index"] = (worth, np.nan, worth - 1)
    place = choose(random.random(), verdicts, 2, 0, p)
    likely = send_probability(worth, kept, now, p)
    on_offer(user, candidate, p, at_s, now.worth)
    if credit >= 1 and random.random() < likely:
        settle(user, credit - 1, at_s)
        on_sent(user, candidate, record, p, zones, now)
    wait_s = spread(p, int(record.number), at_s, ready_s(credit, per_week, at_s))
    numbers = (*now, worth, opened, kept, later_s, likely, place, credit, wait_s, satisfaction(user, p, at_s))
    return np.array(numbers, np.float64)


if __name__ == "__main__":
    main()
