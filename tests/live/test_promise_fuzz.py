"""Whatever callers give, only faults come out: no crash, no half-done call, and an engine that goes on."""

import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model import Cap, Policy
from promise_desk import effort, entries, settings_of, states, walk, warm

from andante import Engine
from andante.vocabulary.fault import Fault

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
POLICY = Policy(caps=(Cap("global", 3, timedelta(days=1)),), transactional=frozenset({"receipt"}))
OFFER = {"candidate_id": "c", "category": "promotion", "channel": "push"}

texts = st.text(max_size=12) | st.sampled_from(
    ["", "ann", "push", "promotion", "a" * 600, "\ud800", "\0", "..", "气球"]
)
numbers = st.floats() | st.integers() | st.sampled_from([float("nan"), -1, 2**63, 2**64, 10**400, -0.0, 1e308, 5e-324])
times = (
    st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=14))))
    | st.datetimes()
    | st.sampled_from(
        ["2026-05-04T12:00:00Z", "2026-05-04", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon", 0, -1e18]
    )
)
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts | times | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def shape(**fields):
    """Return dictionaries of these fields, each right, wrong or absent, and now and then one that nobody knows."""
    mixed = {name: right | anything for name, right in fields.items()}
    return st.fixed_dictionaries({}, optional=mixed | {"nobody": anything})


candidates = shape(
    candidate_id=texts,
    category=st.sampled_from(["promotion", "news", "receipt"]),
    channel=st.sampled_from(["push", "email"]),
    campaign_id=texts,
    item_id=texts,
    value=numbers,
    relevance=numbers,
    expires_at=times,
)
right = st.just(OFFER) | st.builds(lambda value: OFFER | {"value": value}, st.floats(0, 1e9))
requests = shape(
    user_id=st.sampled_from(["ann", "bob"]),
    candidates=st.lists(candidates | right, max_size=18),
    at=times,
    idempotency_key=texts,
)
events = shape(
    user_id=st.sampled_from(["ann", "bob"]),
    type=st.sampled_from(["view", "dwell", "sale"]),
    at=times,
    event_id=texts,
    value=numbers,
)
outcomes = shape(
    decision_id=texts | st.sampled_from(["ffffff-1-0", "ffffff-0-0", "000000--0"]),
    type=st.sampled_from(["opened", "rated", "hated"]),
    at=times,
    value=numbers,
    rating=numbers,
)
wishes = shape(
    consent=st.dictionaries(texts, st.booleans(), max_size=3),
    categories=st.dictionaries(texts, st.booleans(), max_size=3),
    quiet_hours=st.fixed_dictionaries({"start": texts, "end": texts}) | st.just({"start": "22:00", "end": "08:00"}),
    time_zone=st.sampled_from(["Asia/Tokyo", "Mars/Phobos", "UTC", "../etc/passwd"]),
    max_per_day=numbers,
    max_per_week=numbers,
    paused_until=times,
    at=times,
)
plans = shape(user_id=st.sampled_from(["ann", "bob"]), plan_per_week=numbers, interest=numbers, theta=numbers)
calls = st.one_of(
    st.tuples(st.just("decide"), st.tuples(st.lists(requests, max_size=3) | anything)),
    st.tuples(st.just("ingest"), st.tuples(st.lists(events, max_size=4) | anything)),
    st.tuples(st.just("observe"), st.tuples(st.lists(outcomes, max_size=4) | anything)),
    st.tuples(st.just("set_preferences"), st.tuples(texts | anything, wishes | anything)),
    st.tuples(st.just("publish"), st.tuples(st.lists(plans, max_size=3) | anything)),
    st.tuples(st.just("release"), st.tuples(st.datetimes(timezones=st.just(UTC)))),
    st.tuples(st.just("user"), st.tuples(texts)),
    st.tuples(st.just("explain"), st.tuples(texts, st.datetimes(timezones=st.just(UTC)))),
    st.tuples(
        st.just("switch"), st.tuples(texts | st.sampled_from(["global", "channel:push", "campaign:x", "category:"]))
    ),
)


def call(engine, name, arguments):
    return engine.switch(*arguments, on=False) if name == "switch" else getattr(engine, name)(*arguments)


@given(tried=st.lists(calls, min_size=1, max_size=8))
@effort(200)
def test_only_faults_come_out_and_the_engine_goes_on(tried):
    with Engine.open(":memory:", settings_of(POLICY, alone=True)) as engine:
        warm(engine, ["zoe"], NOON)
        engine.set_preferences("zoe", {"consent": {"push": True}, "at": NOON})
        for name, arguments in tried:
            before, log = states(engine), len(entries(engine))
            try:
                call(engine, name, arguments)
            except Fault as fault:
                assert "\n" not in str(fault)  # noqa: PT017  any other exception fails the test
                assert (states(engine), len(entries(engine))) == (before, log), (
                    f"{name} was refused, and changed something"
                )
        (decision,) = engine.decide([{"user_id": "zoe", "candidates": [OFFER | {"candidate_id": "z"}], "at": NOON}])
        assert decision.action == "send"
        walk(entries(engine), POLICY, rules_alone=False)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("release", ("2026-05-04 noon",)),
        ("release", (datetime(2026, 5, 4),)),  # noqa: DTZ001  that is the fault
        ("explain", ("zoe", "soon")),
        ("retain", (0,)),
        ("user", ([],)),
        ("switch", (7,)),
        ("explain", (None,)),
    ],
)
def test_a_wrong_argument_is_a_fault_too(name, arguments):
    with Engine.open(":memory:", settings_of(POLICY)) as engine:
        engine.set_preferences("zoe", {"consent": {"push": True}, "at": NOON})
        with pytest.raises(Fault):
            call(engine, name, arguments)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"candidates": [OFFER | {"value": -1.0}]}, "value"),
        ({"candidates": [OFFER | {"relevance": float("nan")}]}, "relevance"),
        ({"candidates": [OFFER | {"candidate_id": f"c{n}"} for n in range(17)]}, "candidates"),
        ({"candidates": []}, "candidates"),
        ({"at": datetime(2026, 5, 4)}, "at"),  # noqa: DTZ001  that is the fault
        ({"at": "yesterday"}, "at"),
        ({"user_id": ""}, "user_id"),
    ],
)
def test_a_wrong_request_is_a_fault_that_names_its_field(change, named):
    with Engine.open(":memory:", settings_of(POLICY)) as engine, pytest.raises(Fault, match=named):
        engine.decide([{"user_id": "ann", "candidates": [OFFER], "at": NOON} | change])


def test_the_sixty_fifth_category_and_the_ninth_channel_are_faults():
    with Engine.open(":memory:", settings_of(POLICY)) as engine:
        engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON})
        engine.decide([{"user_id": "ann", "candidates": [OFFER], "at": NOON}])
        for field, most in (("channel", 8), ("category", 64)):
            for n in range(most - 1):
                with suppress(Fault):  # some have names already
                    engine.decide([{"user_id": "ann", "candidates": [OFFER | {field: f"new-{n}"}], "at": NOON}])
            with pytest.raises(Fault, match=field):
                engine.decide([{"user_id": "ann", "candidates": [OFFER | {field: "one too many"}], "at": NOON}])
        assert (
            "consent_channel" not in engine.decide([{"user_id": "ann", "candidates": [OFFER], "at": NOON}])[0].reasons
        )


def test_a_theta_that_a_record_cannot_hold_is_a_fault():
    with Engine.open(":memory:", settings_of(POLICY)) as engine, pytest.raises(Fault, match="theta"):
        engine.publish([{"user_id": "ann", "plan_per_week": 1.0, "theta": 1e39}])


def test_nothing_is_an_answer_to_nothing():
    with Engine.open(":memory:", settings_of(POLICY)) as engine:
        log = len(entries(engine))
        assert engine.decide([]) == []
        assert engine.ingest([]).accepted == engine.observe([]).accepted == engine.publish([]).accepted == 0
        assert engine.release(NOON) == []
        assert len(entries(engine)) == log


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("decide", ([],)),
        ("ingest", ([],)),
        ("observe", ([],)),
        ("set_preferences", ("ann", {})),
        ("publish", ([],)),
        ("release", ()),
        ("user", ("ann",)),
        ("explain", ("ann",)),
        ("log_rows", ()),
        ("switch", ("global",)),
    ],
)
def test_a_closed_engine_says_so(name, arguments, tmp_path):
    engine = Engine.open(tmp_path / "andante.db", settings_of(POLICY))
    engine.close()
    engine.close()
    with pytest.raises(Fault, match="closed"):
        call(engine, name, arguments)


@pytest.mark.parametrize(
    "wrong",
    [
        {"caps": [{"scope": "global", "limit": 33, "window": "P1D"}]},
        {"users": {"time_zone": "Mars/Phobos"}},
        {"caps": [{"scope": "global", "limit": 3, "window": "P1M"}]},
        {"cap": []},
    ],
)
def test_a_wrong_configuration_opens_nothing(wrong, tmp_path):
    with pytest.raises(Fault):
        Engine.open(tmp_path / "andante.db", wrong)
    assert not (tmp_path / "andante.db").exists()


def sends_of_a_year(first):
    """Offer one push, then a usual one every ten days of a year, and return how many of these go out, and a user."""
    with Engine.open(":memory:", {"experiment": {"holdout": 0.0}}) as engine:
        warm(engine, ["ann"], NOON)
        engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON})
        with suppress(Fault):
            engine.decide([{"user_id": "ann", "candidates": [OFFER | first], "at": NOON}])
        usual = [{"user_id": "ann", "candidates": [OFFER], "at": NOON + timedelta(days=10 * n)} for n in range(1, 37)]
        answers = engine.decide(usual)
        assert all(0 < answer.propensity <= 1 for answer in answers)
        return [answer.action for answer in answers].count("send"), engine.user("ann")


@pytest.mark.parametrize("first", [{"value": 1e39}, {"relevance": 1e308}, {"value": 1e300, "relevance": 1e300}])
def test_no_number_is_taken_that_a_record_cannot_hold(first):
    sends, ann = sends_of_a_year(first)
    assert sends > 0
    assert math.isfinite(ann.open_rate)


@pytest.mark.parametrize("first", [{"value": 1e6}, {"value": 1e9}])
def test_one_wrong_value_does_not_silence_a_user_for_a_year(first):
    usual, _ = sends_of_a_year({})
    sends, _ = sends_of_a_year(first)
    assert sends > usual / 2


def test_sixteen_candidates_and_values_at_the_edge_are_taken():
    edge = [OFFER | {"candidate_id": f"c{n}", "value": value} for n, value in enumerate([0.0, 5e-324, 1e-300, 1e9] * 4)]
    with Engine.open(":memory:", settings_of(POLICY, alone=True)) as engine:
        warm(engine, ["ann"], NOON)
        engine.set_preferences("ann", {"consent": {"push": True}, "at": NOON})
        (decision,) = engine.decide([{"user_id": "ann", "candidates": edge, "at": NOON}])
        assert decision.action == "send"
        assert edge[int(decision.candidate_id[1:])]["value"] == 1e9
