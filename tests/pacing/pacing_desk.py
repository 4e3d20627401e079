"""What the tests of pacing share: parameters with round numbers, one user, one candidate, three zones."""

import numpy as np

from andante.vocabulary.flow import CANDIDATE
from andante.vocabulary.parameters import PARAMETERS
from andante.vocabulary.state import NEVER_S, NO_CLOCK, new_users
from andante.zones.table import build

DAY_S, WEEK_S = 86_400, 604_800
MONDAY_S = 2_000 * WEEK_S + 4 * DAY_S  # 2008-05-05 00:00 UTC, a Monday
ZONES = build(("UTC", "Asia/Shanghai", "America/New_York"))
UTC, SHANGHAI, NEW_YORK = 0, 1, 2


def made_parameters(**changes):
    made = np.zeros(1, PARAMETERS)
    priors = {"open": (1.0, 20.0), "visit": (0.5, 5.0), "conversion": (2.0, 40.0), "refusal": (0.5, 500.0)}
    priors |= {"satisfaction": (3.0, 5.0), "offer": (6.0, 3.0)}
    for field, (count, exposure) in priors.items():
        made[f"{field}_a"], made[f"{field}_b"] = count, exposure
    for field, days in {"evidence": 90, "counts": 7, "rhythm": 60, "fatigue": 2.5, "habituation": 15}.items():
        made[f"{field}_half_life_s"] = days * DAY_S
    scalars = {
        "seed": 7,
        "default_per_week": 1.0,
        "most_per_week": 14.0,
        "burst": 1.0,
        "offer_worth": 10.0,
        "interest_rate": 0.1,
        "fatigue_open": 0.2,
        "habituation_open": 0.03,
        "fatigue_refusal": 0.2,
        "carry_over": 0.1,
        "visit_weight": 1.0,
        "hour_prior": 1.0,
        "weekday_prior": 1.0,
        "rhythm_prior_weight": 20.0,
        "message_cost": 0.001,
        "shadow_price": 0.0005,
        "refusal_loss": 1.0,
        "temperature": 0.25,
        "patience": 1.0,
        "quiet_start_min": NO_CLOCK,
        "quiet_end_min": NO_CLOCK,
        "zone": UTC,
    }
    for field, value in (scalars | changes).items():
        made[field] = value
    return made


def made_user(**changes):
    users = new_users(1).view(np.recarray)
    for field, value in ({"key": 12345, "zone": UTC} | changes).items():
        users[field] = value
    return users


def made_candidate(**changes):
    made = np.zeros(1, CANDIDATE).view(np.recarray)
    for field, value in ({"value": 10.0, "relevance": 1.0, "expires_s": NEVER_S} | changes).items():
        made[field] = value
    return made
