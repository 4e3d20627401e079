"""What the tests of learning share: parameters with round numbers, one user, records of every kind, two zones."""

import numpy as np

from andante.pacing.response import moment
from andante.vocabulary.event import EventType
from andante.vocabulary.flow import CANDIDATE, EVENT_CODES, OUTCOME_CODES, RECORD, Kind
from andante.vocabulary.parameters import PARAMETERS
from andante.vocabulary.state import NEVER_S, new_users
from andante.zones.table import build

DAY_S = 86_400
START_S = 1_800_000_000
ZONES = build(("UTC", "Asia/Shanghai"))
PUSH, MAIL = 0, 1
PROMOTION, ORDERS = 3, 40


def learning_parameters(**changes):
    made = np.zeros(1, PARAMETERS)
    for name in ("open", "visit", "conversion", "refusal", "satisfaction", "offer"):
        made[f"{name}_a"], made[f"{name}_b"] = 1.0, 20.0
    for name, days in {"evidence": 90, "counts": 7, "rhythm": 60, "fatigue": 2.5, "habituation": 15}.items():
        made[f"{name}_half_life_s"] = days * DAY_S
    made["visit_weight"][0, EVENT_CODES["visit"]] = 1.0
    made["visit_weight"][0, EVENT_CODES["purchase"]] = 0.5
    made["refusal_weight"][0, OUTCOME_CODES["unsubscribed"]] = 1.0
    made["refusal_weight"][0, OUTCOME_CODES["not_interested"]] = 0.25
    made["transactional"] = 1 << ORDERS
    made["fatigue_open"], made["habituation_open"], made["fatigue_refusal"] = 0.2, 0.03, 0.2
    made["hour_prior"] = made["weekday_prior"] = made["offer_worth"] = 1.0
    made["rhythm_prior_weight"] = 10.0
    for field, value in changes.items():
        made[field] = value
    return made.view(np.recarray)


LEARNING = learning_parameters()


def new_user(**changes):
    users = new_users(1).view(np.recarray)
    for field, value in ({"zone": 0, "now_s": START_S} | changes).items():
        users[field] = value
    return users


def record(kind, **fields):
    made = np.zeros(1, RECORD).view(np.recarray)
    made["kind"] = kind
    made["per_week"] = made["interest"] = made["theta"] = np.nan
    for field, value in fields.items():
        made[field] = value
    return made[0]


def event(at_s, name=EventType.VISIT):
    return record(Kind.EVENT, at_s=at_s, type=EVENT_CODES[name])


def outcome(decision, name, **fields):
    return record(Kind.OUTCOME, decision=decision, type=OUTCOME_CODES[name], at_s=START_S, **fields)


def candidate(category=PROMOTION, channel=PUSH, **fields):
    made = np.zeros(1, CANDIDATE).view(np.recarray)
    columns = {"value": 1.0, "relevance": 1.0, "expires_s": NEVER_S, "category": category, "channel": channel}
    for field, value in (columns | fields).items():
        made[field] = value
    return made[0]


def request(number, at_s, ceil=0):
    return record(Kind.REQUEST, number=number, at_s=at_s, ceil=ceil)


def moment_of(users, at_s, parameters=LEARNING):
    return moment(users[0], parameters[0], ZONES, at_s, 3.0)
