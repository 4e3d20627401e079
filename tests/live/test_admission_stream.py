"""Events and outcomes come in as columns, and those that cannot be taken are rejected one by one."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.live.admission import admit_events, admit_outcomes
from andante.live.answers import read_events, read_outcomes
from andante.vocabulary.event import EventType
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import EVENT_CODES, OUTCOME_CODES
from andante.vocabulary.message import OutcomeType
from andante.vocabulary.records import Event, Outcome

NOW_US = 1_800_000_000_000_000
ID = "3fa2c1-1b-7"

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def one_rejected(admitted):
    assert not admitted.user_ids if hasattr(admitted, "user_ids") else not admitted.decision_ids
    (rejection,) = admitted.rejected
    return f"{rejection.field}: {rejection.problem}"


def test_an_event_becomes_columns_and_a_body_without_its_user_and_time():
    given = {
        "event_id": "e",
        "user_id": "u",
        "type": "purchase",
        "at": "2026-03-01T01:00:00.5Z",
        "value": 30,
        "query": 'a"\n',
    }
    admitted = admit_events([{"user_id": "v", "type": "view"}, given], now_us=NOW_US)
    assert admitted.user_ids == ["v", "u"]
    assert admitted.event_ids == [None, "e"]
    assert admitted.at_us.tolist() == [NOW_US, 1_772_326_800_500_000]
    assert (admitted.at_s.tolist()[1], admitted.ceil.tolist()) == (1_772_326_800, [0, 1])
    assert admitted.types.tolist() == [EVENT_CODES[EventType.VIEW], EVENT_CODES[EventType.PURCHASE]]
    assert admitted.values.tolist() == [0, 30]
    expected = [{"type": "view"}, {"type": "purchase", "event_id": "e", "query": 'a"\n', "value": 30}]
    assert [json.loads(body) for body in admitted.bodies] == expected


def test_a_bad_event_is_rejected_and_the_others_go_on():
    good = {"user_id": "u", "type": "view"}
    admitted = admit_events([good, {"user_id": "u", "type": "veiw"}, None, good, {}], now_us=NOW_US)
    assert admitted.index == [0, 3]
    assert [rejection.index for rejection in admitted.rejected] == [1, 2, 4]
    assert admitted.rejected[0].problem == "'veiw' is no known type: did you mean view?"
    assert (admitted.rejected[2].field, admitted.rejected[2].problem[:10]) == ("user_id", "is missing")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"type": "zzz"}, "type: 'zzz' is no known type: use one of view, search, cart"),
        ({"type": "dwell"}, "value: is not how long a dwell took: give its seconds, 0 or more"),
        ({"type": "dwell", "value": -1}, "value: -1.0 is not how long a dwell took"),
        ({"value": float("nan")}, "value: nan is not a number: "),
        ({"value": float("-inf")}, "value: -inf is not finite: "),
        ({"at": "2026-03-01T09:00:00"}, "at: '2026-03-01T09:00:00' has no zone: "),
        ({"at": "1950-03-01T09:00:00Z"}, "at: 1950-03-01T09:00:00+00:00 is out of range: "),
        ({"user_id": ""}, "user_id: '' is empty: "),
        ({"event_id": "\ud800"}, "event_id: '\\ud800' is not text that UTF-8 can carry: "),
        ({"query": "q" * 4097}, "has 4097 characters, more than 4096: "),
        ({"colour": "red"}, "colour: is an unknown field: use one of user_id, type, at"),
    ],
)
def test_an_event_is_rejected_for_what_is_wrong_with_it(wrong, said):
    assert said in one_rejected(admit_events([{"user_id": "u", "type": "view", **wrong}], now_us=NOW_US))


@pytest.mark.parametrize("admit", [admit_events, admit_outcomes])
@pytest.mark.parametrize("given_", [None, "text", {"user_id": "u"}, 7, iter(())])
def test_only_what_is_no_list_is_refused_as_a_whole(admit, given_):
    with pytest.raises(InputFault, match="is no list: give a list of"):
        admit(given_, now_us=NOW_US)


@pytest.mark.parametrize("admit", [admit_events, admit_outcomes])
def test_nothing_comes_of_nothing(admit):
    admitted = admit([], now_us=NOW_US)
    assert (len(admitted.at_us), admitted.bodies, admitted.rejected) == (0, [], ())


def test_typed_events_and_outcomes_are_read_like_dictionaries():
    events = admit_events([Event(user_id="u", type=EventType.DWELL, value=np.float64(2.5))], now_us=NOW_US)
    assert (events.types.tolist(), events.values.tolist()) == ([EVENT_CODES[EventType.DWELL]], [2.5])
    outcomes = admit_outcomes([Outcome(decision_id=ID, type=OutcomeType.OPENED)], now_us=NOW_US)
    assert outcomes.types.tolist() == [OUTCOME_CODES[OutcomeType.OPENED]]


def test_an_outcome_becomes_columns_and_names_its_decision_by_number():
    given = [
        {"decision_id": ID, "type": "rated", "rating": 4},
        {"decision_id": "000000-f-0", "type": "converted", "value": 9.5},
        {"decision_id": ID, "type": "converted"},
    ]
    admitted = admit_outcomes(given, now_us=NOW_US)
    assert admitted.logs == ["3fa2c1", "000000", "3fa2c1"]
    assert admitted.decisions.tolist() == [0x1B, 0xF, 0x1B]
    assert admitted.users.tolist() == [7, 0, 7]
    assert admitted.values.tolist() == [4, 9.5, 0]
    assert json.loads(admitted.bodies[0]) == {"decision": 0x1B, "type": "rated", "rating": 4}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"type": "open"}, "type: 'open' is no known type: did you mean opened?"),
        ({"type": "rated"}, "rating: is missing: give the rating of a rated outcome, from 1 to 5"),
        ({"type": "rated", "rating": 0}, "rating: 0 is below 1: "),
        ({"type": "rated", "rating": 5.5}, "rating: 5.5 is above 5: "),
        ({"rating": 3}, "rating: 3.0 belongs to no opened outcome: send it as rated"),
        ({"value": 3}, "value: 3.0 belongs to no opened outcome: "),
        ({"type": "converted", "value": -3}, "value: -3 is below 0: "),
        *(
            ({"decision_id": malformed}, "is no decision's id: give the decision_id that the decision came with")
            for malformed in (
                "3fa2c1-1b",
                "3FA2C1-1b-7",
                "3fa2c1-1b-7-",
                "3fa2c1-01b-7",
                "3fa2c1-0-7",
                "3fa2c1-+1b-7",
                "3fa2c1-1_b-7",
                "3fa2c1-1b-٣",
                "3fa2c1-1b-7\n",
                "3fa2c1-8000000000000000-7",
                "3fa2c1-1b-8000000000000000",
            )
        ),
    ],
)
def test_an_outcome_is_rejected_for_what_is_wrong_with_it(wrong, said):
    assert said in one_rejected(admit_outcomes([{"decision_id": ID, "type": "opened", **wrong}], now_us=NOW_US))


EVENTS = st.fixed_dictionaries(
    {"user_id": TEXT.filter(bool), "type": st.sampled_from([kind.value for kind in EventType])},
    optional={"value": FINITE.map(abs), "item_id": TEXT, "query": TEXT, "event_id": TEXT.filter(bool)},
).map(lambda event: {"value": 1.0, **event} if event["type"] == "dwell" else event)


@given(st.lists(EVENTS, max_size=20))
def test_events_read_the_same_after_they_were_logged(events):
    admitted = admit_events(events, now_us=NOW_US)
    assert admitted.index == list(range(len(events)))
    types, values = read_events(admitted.bodies)
    assert types.tobytes() == admitted.types.tobytes()
    assert values.tobytes() == admitted.values.tobytes()
    assert [json.loads(body).get("item_id") for body in admitted.bodies] == [event.get("item_id") for event in events]


OUTCOMES = st.one_of(
    st.fixed_dictionaries({"type": st.just("rated"), "rating": st.floats(1, 5)}),
    st.fixed_dictionaries({"type": st.just("converted"), "value": st.floats(0, 1e9)}),
    st.fixed_dictionaries({"type": st.sampled_from(["delivered", "opened", "clicked", "unsubscribed"])}),
)
NUMBERS = st.integers(0, 2**63 - 1)


@given(st.lists(st.tuples(OUTCOMES, NUMBERS.filter(bool), NUMBERS), max_size=20))
def test_outcomes_read_the_same_after_they_were_logged(given_):
    items = [{**outcome, "decision_id": f"3fa2c1-{number:x}-{user:x}"} for outcome, number, user in given_]
    admitted = admit_outcomes(items, now_us=NOW_US)
    assert admitted.rejected == ()
    assert admitted.users.tolist() == [user for _, _, user in given_]
    assert admitted.decisions.tolist() == [number for _, number, _ in given_]
    for read, column in zip(
        read_outcomes(admitted.bodies), (admitted.decisions, admitted.types, admitted.values), strict=True
    ):
        assert read.tobytes() == column.tobytes()
