"""Requests come in as columns, or are refused with their place."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.live.admission import admit_requests, candidate_array
from andante.live.hashing import content_hash, content_of
from andante.live.instants import FIRST, LAST, micros, micros_or, utc
from andante.live.names import Names
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import CANDIDATE, RECORD, Kind
from andante.vocabulary.records import Candidate, Request
from andante.vocabulary.state import NEVER_S

NOW_US = 1_800_000_000_000_000
OFFER = {"candidate_id": "c", "category": "promotion", "channel": "push"}

TIMES = st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.just(UTC))
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=8)), ZoneInfo("America/New_York"), ZoneInfo("Africa/Monrovia")])


def asked(**fields):
    return {"user_id": "u", "candidates": [OFFER], **fields}


def refused(*requests):
    with pytest.raises(InputFault) as caught:
        admit_requests(list(requests), Names(), now_us=NOW_US)
    return caught.value


def test_a_request_becomes_columns():
    offer = {**OFFER, "campaign_id": "spring", "item_id": "i", "value": 12.5, "relevance": 1.5}
    offer["expires_at"] = "2026-03-01T10:00:00.9+08:00"
    request = asked(candidates=[OFFER, offer], at="2026-03-01T01:00:00.25Z", idempotency_key="k")
    request["candidates"][0] = {**OFFER, "candidate_id": "d", "channel": "email"}
    names = Names()
    admitted = admit_requests([asked(), request], names, now_us=NOW_US)
    assert admitted.user_ids == ["u", "u"]
    assert admitted.keys == [None, "k"]
    assert admitted.at_us.tolist() == [NOW_US, 1_772_326_800_250_000]
    assert admitted.at_s.tolist() == [1_800_000_000, 1_772_326_800]
    assert admitted.ceil.tolist() == [0, 1]
    assert admitted.first.tolist() == [0, 1]
    assert admitted.count.tolist() == [1, 2]
    assert set(admitted.records["kind"].tolist()) == {Kind.REQUEST}
    last = admitted.candidates[2]
    assert last["expires_s"] == datetime(2026, 3, 1, 2, tzinfo=UTC).timestamp()
    assert (last["value"], last["relevance"]) == (12.5, 1.5)
    assert (last["content"], last["campaign"]) == (content_of("spring", "i"), content_hash("spring"))
    assert [names.channels[code] for code in admitted.candidates["channel"]] == ["push", "email", "push"]
    assert (admitted.candidates[0]["expires_s"], admitted.candidates[0]["campaign"]) == (NEVER_S, 0)


def test_the_packed_rows_are_those_of_the_dtypes():
    admitted = admit_requests([asked(at=utc(86_400))], Names(), now_us=NOW_US)
    record = np.zeros(1, RECORD)
    record["at_s"], record["kind"], record["count"] = 86_400, Kind.REQUEST, 1
    candidate = np.zeros(1, CANDIDATE)
    candidate["value"] = candidate["relevance"] = 1
    candidate["expires_s"] = NEVER_S
    assert admitted.records.tobytes() == record.tobytes()
    assert admitted.candidates.tobytes() == candidate.tobytes()
    assert admitted.records.flags.writeable
    assert admitted.candidates.flags.writeable


def test_dictionaries_records_and_objects_are_read_alike():
    typed = Request(user_id="u", candidates=(Candidate(**OFFER),))
    likewise = SimpleNamespace(user_id="u", candidates=[SimpleNamespace(**OFFER)])
    admitted = admit_requests([asked(), typed, likewise, asked(candidates=(OFFER,))], Names(), now_us=NOW_US)
    assert len({request.to_dict()["user_id"] for request in admitted.requests}) == 1
    assert all(request == admitted.requests[0] for request in admitted.requests)
    assert isinstance(admitted.requests[0], Request)


def test_values_of_numpy_and_pandas_are_taken_as_pythons_own():
    pandas = pytest.importorskip("pandas")
    offer = {
        **OFFER,
        "value": np.float32(0.5),
        "relevance": np.int64(2),
        "expires_at": pandas.Timestamp("2030", tz="UTC"),
    }
    admitted = admit_requests([asked(user_id=np.str_("u"), candidates=[offer])], Names(), now_us=NOW_US)
    assert admitted.candidates["value"].tolist() == [0.5]
    assert admitted.candidates["expires_s"].tolist() == [datetime(2030, 1, 1, tzinfo=UTC).timestamp()]
    assert type(admitted.user_ids[0]) is str


def test_no_requests_are_empty_columns():
    admitted = admit_requests([], Names(), now_us=NOW_US)
    assert len(admitted.records) == len(admitted.candidates) == len(admitted.at_us) == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"relevance": float("nan")}, ".relevance (nan) is not a number: give a finite number of 0 or more"),
        ({"relevance": float("inf")}, ".relevance (inf) is not finite: "),
        ({"value": -1}, ".value (-1) is below 0: "),
        ({"value": "1"}, ".value ('1') is text, not a number: "),
        ({"value": 10**400}, ".value (int) is out of range: "),
        ({"valeu": 1}, ".valeu is an unknown field: did you mean value?"),
        ({"channel": ""}, ".channel ('') is empty: give text of 1 to 512 characters"),
        ({"channel": "x" * 513}, "has 513 characters, more than 512: "),
        ({"category": None}, ".category is null, not text: "),
        ({"category": " "}, ".category (' ') is no name: "),
        ({"candidate_id": "\ud800"}, ".candidate_id ('\\ud800') is not text that UTF-8 can carry: "),
        ({"expires_at": "tomorrow"}, ".expires_at ('tomorrow') is no RFC 3339 time: "),
        ({"expires_at": "2026-03-01T09:00:00"}, ".expires_at ('2026-03-01T09:00:00') has no zone: "),
        ({"expires_at": datetime(2026, 3, 1)}, ".expires_at (2026-03-01T00:00:00) has no zone: "),  # noqa: DTZ001
        ({"expires_at": 1_772_326_800}, "is a whole number, not a time or null: "),
        ({"expires_at": "2106-01-01T00:00:00Z"}, "is out of range: give a time from 1970-01-02 through 2105-12-31"),
        ({"expires_at": "1970-01-01T23:59:59Z"}, "is out of range"),
        ({7: 1}, " has a name that is not text"),
    ],
)
def test_one_bad_candidate_refuses_the_call_and_is_named(wrong, said):
    offers = [OFFER, {**OFFER, "candidate_id": "d"}, {**OFFER, "candidate_id": "e", **wrong}]
    fault = refused(asked(), asked(candidates=offers))
    assert str(fault).startswith("requests[1].candidates[2]")
    assert said in str(fault)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (asked(candidates=[]), "requests[0].candidates (list) is empty: give a list of 1 to 16 candidates"),
        (asked(candidates=[OFFER] * 17), "requests[0].candidates (list) has 17 of them, more than 16: "),
        (asked(candidates=[OFFER] * 2), "requests[0].candidates[1].candidate_id ('c') is the id of another candidate"),
        (asked(at="2026-03-01"), "requests[0].at ('2026-03-01') is no RFC 3339 time: "),
        (asked(at="1969-03-01T00:00:00Z"), "requests[0].at (1969-03-01T00:00:00+00:00) is out of range: "),
        (asked(user_id=5), "requests[0].user_id (5) is a whole number, not text: "),
        (asked(user_id="\udfff"), "requests[0].user_id ('\\udfff') is not text that UTF-8 can carry: "),
        (asked(idempotency_key=""), "requests[0].idempotency_key ('') is empty: "),
        (asked(**{"\ud800": 1}), "requests[0].\\ud800 (1) is not text that UTF-8 can carry: "),
        ({"candidates": [OFFER]}, "requests[0].user_id is missing: "),
        ("u", "requests[0] ('u') is text, not an object: "),
    ],
)
def test_a_bad_request_is_named(request_, said):
    assert said in str(refused(request_))


def test_what_is_no_list_is_refused():
    with pytest.raises(InputFault, match=r"requests \(dict\) is no list: give a list of requests"):
        admit_requests(asked(), Names(), now_us=NOW_US)


def test_the_ninth_channel_is_refused_where_it_stands():
    offers = [{**OFFER, "candidate_id": str(i), "channel": f"channel {i}"} for i in range(9)]
    fault = refused(asked(), asked(candidates=offers))
    assert fault.thing == "requests[1].candidates[7].channel"  # "push" is the first
    assert "has no room" in fault.problem


def test_a_typed_record_is_checked_like_a_dictionary():
    fault = refused(Request(user_id="u", candidates=(Candidate(**OFFER | {"value": "much"}),)))
    assert fault.thing == "requests[0].candidates[0].value"


def test_a_zone_without_an_offset_is_no_zone():
    class Nowhere(tzinfo):
        def utcoffset(self, _at):
            return None

    fault = refused(asked(at=datetime(2026, 3, 1, tzinfo=Nowhere())))
    assert str(fault).startswith("requests[0].at (2026-03-01T00:00:00) has no zone")


@given(st.lists(st.one_of(st.none(), TIMES), max_size=20), ZONES)
def test_times_become_microseconds_exactly_in_any_zone(times, zone):
    local = [None if at is None else at.astimezone(zone) for at in times]
    expected = [
        -1 if at is None else (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for at in times
    ]
    if None not in times:
        assert micros_or(local, NOW_US) == expected
    assert [micros(at) for at in local if at is not None] == [at for at in expected if at >= 0]


@given(TIMES, ZONES)
def test_an_expiry_reads_the_same_after_it_was_logged(at, zone):
    offer = {**OFFER, "expires_at": at.astimezone(zone)}
    admitted = admit_requests([asked(candidates=[offer])], Names(), now_us=NOW_US)
    read = msgspec.json.decode(admitted.written[0], type=tuple[Candidate, ...])
    assert read[0].expires_at == at
    assert candidate_array(read, Names()).tobytes() == admitted.candidates.tobytes()


@given(st.lists(st.integers(1, 16), max_size=30))
def test_the_order_of_requests_and_candidates_is_kept(sizes):
    requests = [
        asked(
            user_id=f"u{i}", candidates=[{**OFFER, "candidate_id": f"{j}", "value": 100 * i + j} for j in range(size)]
        )
        for i, size in enumerate(sizes)
    ]
    admitted = admit_requests(requests, Names(), now_us=NOW_US)
    assert admitted.user_ids == [f"u{i}" for i in range(len(sizes))]
    assert admitted.count.tolist() == sizes
    values = [100 * i + j for i, size in enumerate(sizes) for j in range(size)]
    assert admitted.candidates["value"].tolist() == values
    assert [int(value) // 100 for value in admitted.candidates["value"][admitted.first]] == list(range(len(sizes)))


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), min_size=1, max_size=40))
def test_codes_are_given_in_the_order_of_first_sight_however_many_come_at_once(scopes):
    requests = [asked(candidates=[{**OFFER, "category": first, "channel": second}]) for first, second in scopes]
    at_once, one_by_one = Names(), Names()
    together = admit_requests(requests, at_once, now_us=NOW_US)
    alone = [admit_requests([request], one_by_one, now_us=NOW_US).candidates for request in requests]
    assert together.candidates.tolist() == np.concatenate(alone).tolist()
    assert at_once.categories == one_by_one.categories == tuple(dict.fromkeys(first for first, _ in scopes))
