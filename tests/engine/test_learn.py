import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learn_desk import (
    DAY_S,
    LEARNING,
    MAIL,
    ORDERS,
    PROMOTION,
    START_S,
    ZONES,
    candidate,
    event,
    moment_of,
    new_user,
    outcome,
    record,
    request,
)

from andante.engine.learn import (
    APPLIED,
    IGNORED,
    REPEATED,
    on_event,
    on_offer,
    on_outcome,
    on_plan,
    on_preferences,
    on_sent,
)
from andante.pacing.pressure import pressed
from andante.vocabulary.event import EventType
from andante.vocabulary.flow import (
    EVENT_CODES,
    OUTCOME_CODES,
    SETS_DIAL_DAY,
    SETS_PROFILING,
    SETS_QUIET,
    SETS_ZONE,
    Kind,
)
from andante.vocabulary.state import KNOWN, NO_CLOCK, NO_DIAL, PROFILING_REFUSED, SLOTS, USER

SUMS = [name for name in USER.names if USER[name].base.kind == "f"]


def send(users, number=1, at_s=START_S, **fields):
    return on_sent(users[0], candidate(**fields), request(number, at_s), LEARNING[0], ZONES, moment_of(users, at_s))


def observe(users, number, name, **fields):
    return on_outcome(users[0], outcome(number, name, **fields), LEARNING[0], ZONES)


def see(users, *events):
    return [on_event(users[0], seen, LEARNING[0], ZONES) for seen in events]


def same(one, other):
    for field in USER.names:
        if field in SUMS:
            assert np.allclose(one[field], other[field], rtol=1e-5, atol=1e-12, equal_nan=True), field
        else:
            assert np.array_equal(one[field], other[field]), field


# Events.


def test_an_event_counts_by_type_and_in_its_local_hour():
    users = new_user(zone=1)
    monday_noon_s = START_S - START_S % DAY_S + 4 * DAY_S + 12 * 3600  # START_S is a Friday
    assert see(users, event(monday_noon_s, EventType.PURCHASE)) == [APPLIED]
    assert users.counts[0, EVENT_CODES["purchase"]] == 1
    assert users.visits[0] == 0.5
    assert users.hours[0].argmax() == 20
    assert users.weekdays[0].argmax() == (monday_noon_s // DAY_S + 3) % 7
    assert users.last_purchase_s[0] == users.born_s[0] == monday_noon_s


def test_counts_halve_with_their_half_life():
    users = new_user()
    see(users, event(START_S), event(START_S + 7 * DAY_S))
    assert users.counts[0, EVENT_CODES["visit"]] == 1.5


times = st.integers(START_S - 120 * DAY_S, START_S + 3 * DAY_S)
events = st.lists(st.tuples(times, st.sampled_from(EventType)), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(events, st.randoms(use_true_random=False))
def test_events_in_any_order_give_the_same_state(drawn, random):
    one, other = new_user(), new_user()
    see(one, *(event(at_s, name) for at_s, name in drawn))
    see(other, *(event(at_s, name) for at_s, name in random.sample(drawn, len(drawn))))
    same(one, other)


@settings(max_examples=20, deadline=None)
@given(st.lists(times, min_size=1, max_size=20))
def test_the_sum_of_visits_is_the_one_of_the_definition(drawn):
    users = new_user()
    see(users, *(event(at_s) for at_s in drawn))
    assert users.visits[0] == pytest.approx(
        sum(0.5 ** ((max(drawn) - at_s) / (90 * DAY_S)) for at_s in drawn), rel=1e-5
    )


def test_of_who_objects_to_profiling_nothing_is_learned():
    users = new_user(flags=PROFILING_REFUSED)
    before = users.tobytes()
    assert see(users, event(START_S)) == [IGNORED]
    assert users.tobytes() == before


# Sends.


def test_a_send_takes_a_slot_presses_and_is_exposure():
    users = new_user(hours=np.eye(24)[8] * 30, rhythm_anchor_s=START_S)
    factor = moment_of(users, START_S).hour
    assert send(users, number=2**40 + 5, relevance=2.0, content=77, channel=MAIL) == APPLIED
    assert (users.sent_s[0, 0], users.sent_number[0, 0], users.sent_content[0, 0]) == (START_S, 5, 77)
    assert users.sent_scope[0, 0] == PROMOTION | MAIL << 6
    assert pressed(users[0], LEARNING[0], START_S) == (1.0, 1.0)
    assert users.open_exposure[0] == pytest.approx(2 * factor)
    assert users.refusal_exposure[0] == 1.0


def test_exposure_is_less_for_a_pressed_user_and_refusals_are_expected_more():
    users = new_user()
    send(users, 1)
    send(users, 2)
    assert users.open_exposure[0] == pytest.approx(1 + np.exp(-0.2 - 0.03))
    assert users.refusal_exposure[0] == pytest.approx(1 + np.exp(0.2))


def test_a_send_is_booked_at_the_end_of_its_second_and_never_before_the_users_clock():
    users = new_user()
    on_sent(users[0], candidate(), request(1, START_S, ceil=1), LEARNING[0], ZONES, moment_of(users, START_S))
    on_sent(users[0], candidate(), request(2, START_S - 99, ceil=1), LEARNING[0], ZONES, moment_of(users, START_S))
    assert users.sent_s[0, :2].tolist() == [START_S + 1, START_S]


def test_a_transactional_message_neither_presses_nor_teaches():
    users = new_user()
    send(users, 1, category=ORDERS)
    assert observe(users, 1, "opened") == APPLIED
    assert observe(users, 1, "opened") == REPEATED
    assert users.open_exposure[0] == users.opens[0] == users.fatigue[0] == 0


# Outcomes.


def test_an_open_is_counted_once_however_it_is_reported():
    users = new_user()
    send(users, 1)
    assert [observe(users, 1, name) for name in ("converted", "opened", "clicked")] == [APPLIED] * 3
    assert [observe(users, 1, name) for name in ("converted", "opened", "clicked")] == [REPEATED] * 3
    assert (users.opens[0], users.opened_sends[0], users.conversions[0]) == (1, 1, 1)


def test_an_outcome_of_an_unknown_or_forgotten_send_changes_nothing():
    users = new_user()
    for number in range(1, SLOTS + 2):
        send(users, number, START_S + number)
    before = users.tobytes()
    assert observe(users, 1, "unsubscribed") == IGNORED
    assert observe(users, 10_000, "opened") == IGNORED
    assert users.tobytes() == before
    assert observe(users, 2, "opened") == APPLIED


def test_an_outcome_counts_at_the_time_of_its_send_whenever_it_comes():
    users = new_user()
    send(users, 1)
    see(users, event(START_S + 90 * DAY_S))
    observe(users, 1, "opened")
    assert users.opens[0] == users.open_exposure[0] == 0.5


def test_ratings_run_from_nought_to_one():
    users = new_user()
    for number, rating in enumerate((1, 3, 5), 1):
        send(users, number)
        observe(users, number, "rated", value=rating)
    assert users.satisfaction_sum[0] == 1.5
    assert users.satisfaction_weight[0] == 3


def test_refusals_are_weighed():
    users = new_user()
    send(users, 1)
    observe(users, 1, "not_interested")
    observe(users, 1, "unsubscribed")
    assert users.refusals[0] == 1.25


@pytest.mark.parametrize("name", ["unsubscribed", "complained"])
def test_an_opt_out_is_learned_from_and_leaves_consent_to_the_preferences_logged_beside_it(name):
    users = new_user(channels_given=1, categories_given=1)
    send(users, 1)
    assert observe(users, 1, name) == APPLIED
    assert (users.refusals[0] > 0) == (name == "unsubscribed")
    assert (users.channels_given[0], users.channels_refused[0], int(users.categories_refused[0])) == (1, 0, 0)


outcomes = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from([name for name in OUTCOME_CODES if name != "rated"])),
    min_size=1,
    max_size=30,
)


@settings(max_examples=40, deadline=None)
@given(outcomes, events, st.randoms(use_true_random=False))
def test_outcomes_and_events_in_any_order_and_repeated_give_the_same_state(named, seen, random):
    one, other = new_user(channels_given=3), new_user(channels_given=3)
    for users in (one, other):
        for number in range(1, 7):
            send(users, number, START_S + number * 3600)
    things = [*((True, *pair) for pair in named), *((False, *pair) for pair in seen)]
    shuffled = random.sample(things, len(things))
    repeated = [thing for thing in shuffled if thing[0]]
    for users, order in ((one, things), (other, shuffled + repeated)):
        for is_outcome, first, name in order:
            if is_outcome:
                observe(users, first, name)
            else:
                see(users, event(first, name))
    same(one, other)


def test_outcomes_of_who_objects_to_profiling_teach_nothing():
    users = new_user(channels_given=1, flags=PROFILING_REFUSED)
    send(users, 1)
    assert observe(users, 1, "opened") == APPLIED
    assert observe(users, 1, "unsubscribed") == APPLIED
    assert users.opens[0] == users.open_exposure[0] == users.refusals[0] == 0
    assert users.fatigue[0] == 1


# Offers.


def test_offers_are_counted_with_the_worth_of_the_best():
    users = new_user()
    on_offer(users[0], candidate(value=5.0, relevance=2.0), LEARNING[0], START_S, 1.0)
    on_offer(users[0], candidate(value=2.0), LEARNING[0], START_S + 90 * DAY_S, 1.0)
    assert (users.offers[0], users.offer_value[0]) == (1.5, 7.0)


def test_one_offer_counts_for_no_more_than_ten_usual_ones():
    users = new_user()
    on_offer(users[0], candidate(value=1e9), LEARNING[0], START_S, 2.0)
    assert users.offer_value[0] == 20.0


# Preferences and plans.


def prefer(users, **fields):
    return on_preferences(users[0], record(Kind.PREFERENCES, **fields))


def test_preferences_set_what_they_name_and_nothing_else():
    users = new_user(channels_given=0b01, channels_refused=0b10)
    prefer(users, channels_given=0b10, channels_refused=0b01, categories_given=2**63, categories_refused=1)
    assert (users.channels_given[0], users.channels_refused[0]) == (0b10, 0b01)
    assert (int(users.categories_given[0]), int(users.categories_refused[0])) == (2**63, 1)
    assert users["flags"][0] == KNOWN
    assert (users.max_per_day[0], users.quiet_start_min[0], users.zone[0]) == (NO_DIAL, NO_CLOCK, 0)
    prefer(
        users, sets=SETS_DIAL_DAY | SETS_QUIET | SETS_ZONE, max_per_day=2, quiet_start_min=60, quiet_end_min=90, zone=1
    )
    assert (users.max_per_day[0], users.quiet_start_min[0], users.quiet_end_min[0], users.zone[0]) == (2, 60, 90, 1)
    assert (users.channels_given[0], users.max_per_week[0]) == (0b10, NO_DIAL)


def test_what_is_given_and_refused_at_once_is_refused():
    users = new_user()
    prefer(users, channels_given=1, channels_refused=1, categories_given=4, categories_refused=4)
    assert (users.channels_given[0], users.channels_refused[0]) == (0, 1)
    assert (users.categories_given[0], users.categories_refused[0]) == (0, 4)


def test_who_objects_to_profiling_is_forgotten_as_a_profile_but_keeps_caps_and_consent():
    users = new_user(plan_per_week=5.0, interest=0.5, theta=0.4, adjustment=1.0)
    send(users, 1)
    observe(users, 1, "opened")
    see(users, event(START_S, EventType.PURCHASE))
    prefer(users, channels_given=1, sets=SETS_PROFILING, flags=PROFILING_REFUSED)
    learned = [
        "opens",
        "open_exposure",
        "visits",
        "counts",
        "hours",
        "weekdays",
        "last_purchase_s",
        "adjustment",
        "born_s",
    ]
    assert not any(users[field].any() for field in learned)
    assert np.isnan([users.plan_per_week[0], users.interest[0], users.theta[0]]).all()
    assert (users.sent_s[0, 0], users.fatigue[0], users.channels_given[0]) == (START_S, 1, 1)
    assert on_plan(users[0], record(Kind.PLAN, per_week=3.0)) == IGNORED


def test_what_was_sent_before_an_objection_teaches_nothing_when_it_is_taken_back():
    users = new_user()
    send(users, 1)
    prefer(users, sets=SETS_PROFILING, flags=PROFILING_REFUSED)
    send(users, 2)
    prefer(users, sets=SETS_PROFILING, flags=0)
    assert [observe(users, number, "opened") for number in (1, 2)] == [APPLIED, APPLIED]
    assert users.opens[0] == 0


def test_who_allows_profiling_and_is_told_so_again_keeps_the_profile():
    users = new_user()
    see(users, event(START_S))
    before = users.tobytes()
    prefer(users, sets=SETS_PROFILING, flags=0)
    assert users.tobytes() == before


def test_a_plan_replaces_what_it_names_and_takes_back_what_feedback_added():
    users = new_user(plan_per_week=2.0, interest=0.5, theta=0.4, adjustment=1.0)
    assert on_plan(users[0], record(Kind.PLAN, interest=0.6)) == APPLIED
    assert on_plan(users[0], record(Kind.PLAN, per_week=2.0)) == APPLIED
    assert users.adjustment[0] == 1.0
    on_plan(users[0], record(Kind.PLAN, per_week=0.0, theta=0.3))
    assert (users.plan_per_week[0], users.adjustment[0]) == (0, 0)
    assert users.interest[0] == np.float32(0.6)
    assert users.theta[0] == np.float32(0.3)


def test_a_push_that_failed_keeps_its_place_in_the_caps_and_teaches_nothing():
    users = new_user()
    send(users)
    before = users.copy()
    assert [observe(users, 1, name) for name in ("failed", "failed")] == [APPLIED, REPEATED]
    assert [name for name in USER.names if users[name].tobytes() != before[name].tobytes()] == ["sent_outcomes"]
