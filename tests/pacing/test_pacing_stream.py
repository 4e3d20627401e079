"""A stream of offers of random worth to many users: what the reservation gains over first come, first served."""

import numpy as np
import pytest
from numba import njit
from pacing_desk import DAY_S, MONDAY_S, ZONES, made_parameters, made_user

from andante.pacing.credit import credit_at, ready_s, settle
from andante.pacing.index import index
from andante.pacing.pressure import press
from andante.pacing.reservation import reservation
from andante.pacing.response import moment
from andante.vocabulary.flow import CANDIDATE
from andante.vocabulary.state import NEVER_S

USERS, DAYS, COMPARED = 150, 60, 17
OFFERS_PER_DAY, PER_WEEK = 3.0, 3.0
HOUR_S = 3600


@njit
def served(  # noqa: PLR0913, PLR0917  one user, the stream, and where what happens is written
    user, parameters, zones, offered, due_s, waits, brought, chosen
):
    """Serve one user hour by hour; return how many pushes went out. An offer is asked again when it said."""
    sends = 0
    for hour in range(DAYS * 24):
        starts_s = MONDAY_S + hour * HOUR_S
        for place in range(offered.size):
            now_s = max(due_s[place], starts_s)
            if now_s >= starts_s + HOUR_S or now_s >= offered[place].expires_s:
                continue
            credit = credit_at(user, parameters, now_s, PER_WEEK)
            if credit < 1.0:
                due_s[place] = ready_s(credit, PER_WEEK, now_s)
                continue
            now = moment(user, parameters, zones, now_s, PER_WEEK)
            worth, _ = index(now, parameters, offered[place])
            if worth < 0.0:
                due_s[place] = now_s + HOUR_S
                continue
            if waits:
                kept, later_s = reservation(user, now, parameters, zones, offered[place], worth, now_s, PER_WEEK)
                if worth < kept:
                    due_s[place] = max(later_s, now_s + HOUR_S)
                    continue
            settle(user, credit - 1.0, now_s)
            press(user, parameters, now_s)
            due_s[place] = NEVER_S
            brought[sends], chosen[sends] = worth + now.cost, place
            sends += 1
    return sends


def stream(parameters, *, waits, even=False, seed=3):
    """Return, a row per user: pushes, what each brought, and which offer it was. The same offers for every policy.

    Users are active at all hours alike, or each in hours of their own.
    """
    random = np.random.default_rng(seed)
    sends = np.zeros(USERS, int)
    brought, chosen = np.zeros((USERS, 400)), np.full((USERS, 400), -1)
    for row in range(USERS):
        offers = random.poisson(OFFERS_PER_DAY * DAYS)
        at_s = np.sort(random.integers(MONDAY_S, MONDAY_S + DAYS * DAY_S, offers))
        offered = np.zeros(offers, CANDIDATE)
        offered["value"], offered["relevance"] = random.exponential(10.0, offers), 1.0
        offered["expires_s"] = at_s + DAY_S
        hours = 0.0 if even else random.gamma(0.5, 100.0, 24) + 2.0
        user = made_user(key=row + 1, hours=hours, rhythm_anchor_s=MONDAY_S, credit_s=MONDAY_S)
        sends[row] = served(user[0], parameters[0], ZONES, offered, at_s, waits, brought[row], chosen[row])
    return sends, brought, chosen


def parameters_of_the_stream(**changes):
    steady = {"offer_a": OFFERS_PER_DAY * 10, "offer_b": 10.0, "rhythm_half_life_s": 1e12, "burst": 1.5}
    return made_parameters(**(steady | changes))


@pytest.mark.parametrize(("even", "at_least"), [(True, 0.15), (False, 1.0)], ids=["better offers", "and better hours"])
def test_keeping_the_slot_beats_first_come_first_served_at_equal_sends(even, at_least):
    parameters = parameters_of_the_stream()
    patient_sends, patient, _ = stream(parameters, waits=True, even=even)
    first_sends, first, _ = stream(parameters, waits=False, even=even)
    assert min(patient_sends.min(), first_sends.min()) >= COMPARED
    assert abs(patient_sends.mean() / first_sends.mean() - 1) < 0.2
    gains = (patient - first)[:, :COMPARED].sum(axis=1) / first[:, :COMPARED].sum(axis=1).mean()
    margin = 1.96 * gains.std(ddof=1) / np.sqrt(USERS)
    assert gains.mean() - margin > at_least, f"{gains.mean():.3f} ± {margin:.3f}"


def test_without_patience_it_is_first_come_first_served():
    parameters = parameters_of_the_stream(patience=0.0)
    _, _, patient = stream(parameters, waits=True)
    first_sends, _, first = stream(parameters, waits=False)
    assert first_sends.min() > 0
    assert np.array_equal(patient, first)
