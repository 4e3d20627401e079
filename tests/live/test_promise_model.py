"""The model that judges the engine is judged first: by hand-counted cases, and by trying every second."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model import US, Cap, Model, Policy, Push, Quota, changes, day_start, hours, inside, local, micros, moment
from promise_desk import effort

PUSH = Push("promotion", "push", "spring", "shoes")
GIVEN = {"consent": {"push": True}}


def model(**policy):
    built = Model(Policy(**policy))
    built.prefer("ann", GIVEN)
    return built


def at(text):
    return micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


def test_the_model_refuses_all_until_consent_is_given():
    assert Model(Policy()).refusals("ann", PUSH, 0) == {"consent_channel"}
    assert model().refusals("ann", PUSH, 0) == set()


def test_a_cap_of_the_model_opens_to_the_microsecond():
    one = model(caps=(Cap("global", 1, timedelta(hours=1)),))
    one.sent("ann", PUSH, 500_000)
    hour = 3600 * US
    assert one.refusals("ann", PUSH, hour + 499_999) == {"cap_global"}
    assert one.refusals("ann", PUSH, hour + 500_000) == set()
    assert one.refusals("ann", PUSH, hour + 500_000, whole=True) == {"cap_global"}
    assert one.earliest("ann", PUSH, hour) == 3601


def test_a_cap_of_the_model_counts_its_own_scope_alone():
    one = model(caps=(Cap("category:news", 1, timedelta(hours=1)), Cap("channel:email", 1, timedelta(hours=1))))
    one.sent("ann", Push("news", "push"), 0)
    assert one.refusals("ann", Push("news", "push"), US) == {"cap_category"}
    assert one.refusals("ann", PUSH, US) == set()


def test_quiet_hours_of_the_model_follow_the_wall_clock_over_both_changes():
    quiet = hours("02:15", "02:45")
    # On 2024-03-31 Berlin's clocks spring from 02:00 to 03:00; on 2024-10-27 they fall from 03:00 to 02:00.
    spring = [inside(quiet, "Europe/Berlin", at("2024-03-31T00:30") + m * 60 * US) for m in range(90)]
    autumn = [inside(quiet, "Europe/Berlin", at("2024-10-26T23:30") + m * 60 * US) for m in range(150)]
    assert not any(spring)
    assert [m for m, (a, b) in enumerate(pairwise(autumn), 1) if a != b] == [45, 75, 105, 135]


def test_a_vendor_day_of_the_model_begins_at_the_vendors_midnight():
    one = model(quotas={"push": Quota(1, 2, "Asia/Shanghai")}, news=frozenset({"news"}))
    one.sent("ann", PUSH, at("2024-05-01T15:59:00"))  # 23:59 in Shanghai
    assert one.refusals("ann", PUSH, at("2024-05-01T15:59:30")) == {"vendor_quota"}
    assert one.refusals("ann", Push("news", "push"), at("2024-05-01T15:59:30")) == set()
    assert one.earliest("ann", PUSH, at("2024-05-01T15:59:30")) == at("2024-05-01T16:00") // US


@pytest.mark.parametrize("zone", ["Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"])
def test_the_models_days_begin_where_the_local_date_turns(zone):
    for change in changes(zone, 2009, 2024) or (at("2020-01-01T00:00") // US,):
        for hour in range(-30, 31):
            instant = change * US + hour * 3600 * US + 123
            begun = day_start(zone, instant)
            today = local(zone, instant).date()
            assert begun <= instant
            assert local(zone, begun).date() == today != local(zone, begun - 1).date()


@given(data=st.data())
@effort(60)
def test_the_models_earliest_time_is_the_first_second_that_it_allows(data):
    start = at("2024-10-26T20:00") // US
    seconds = st.integers(start - 4000, start)
    one = model(
        caps=(
            Cap("global", data.draw(st.integers(1, 3)), timedelta(minutes=data.draw(st.integers(1, 60)))),
            Cap("channel:push", data.draw(st.integers(1, 2)), timedelta(seconds=data.draw(st.integers(1, 900)))),
        ),
        gap=timedelta(seconds=data.draw(st.integers(0, 300))),
        duplicate_window=timedelta(seconds=data.draw(st.integers(0, 2000))),
        quiet=data.draw(st.sampled_from([None, hours("22:00", "22:20"), hours("21:50", "22:01")])),
        zone=data.draw(st.sampled_from(["Europe/Berlin", "UTC"])),
    )
    for second in data.draw(st.lists(seconds, max_size=5)):
        micro = data.draw(st.sampled_from([0, 1, 500_000]))
        one.sent("ann", data.draw(st.sampled_from([PUSH, Push("news", "email")])), second * US - micro)
    expires = data.draw(st.none() | st.integers(start, start + 3000))
    push = Push(PUSH.category, PUSH.channel, PUSH.campaign, PUSH.item, None if expires is None else expires * US)
    tried = (s for s in range(start, start + 8000) if not one.refusals("ann", push, s * US, whole=True))
    assert one.earliest("ann", push, start * US) == next(tried, None)


@given(st.integers(0, 2**45))
def test_an_instant_survives_the_way_to_a_datetime_and_back(at_us):
    assert micros(moment(at_us)) == at_us
