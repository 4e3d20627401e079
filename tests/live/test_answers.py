"""What the step decided becomes records for callers and bodies for the log, and the bodies become arrays again."""

import json
import re
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.live import answers
from andante.live.admission import admit_outcomes, admit_requests
from andante.live.names import Names
from andante.vocabulary.flow import DECISION, NO_CHOICE, VERDICT
from andante.vocabulary.reason import RULES, Action, Reason
from andante.vocabulary.state import NEVER_S

NOW_US = 1_800_000_000_000_000
AT_S = 1_772_326_800


def offer(i=0, **fields):
    return {"candidate_id": f"c{i}", "category": "promotion", "channel": ("push", "email")[i % 2], **fields}


def admitted(*sizes, names=None):
    requests = [{"user_id": f"u{i}", "candidates": [offer(j) for j in range(size)]} for i, size in enumerate(sizes)]
    return admit_requests(requests, names or Names(), now_us=NOW_US)


def decided(**fields):
    row = np.zeros(1, DECISION)
    row["at_s"], row["chosen"] = AT_S, NO_CHOICE
    for name, value in fields.items():
        row[name] = value
    return row


def found(count, **fields):
    rows = np.zeros(count, VERDICT)
    rows["until_s"], rows["reason"] = AT_S, Reason.BEST
    for name, value in fields.items():
        rows[name] = value
    return rows


def decisions(asked, rows, verdicts, **options):
    count = len(rows)
    return answers.decisions(
        asked.requests,
        asked.count,
        rows,
        verdicts,
        log="3fa2c1",
        positions=np.arange(27, 27 + count),
        users=np.arange(7, 7 + count),
        policy_version="1.2.abcd",
        **options,
    )


def test_a_send_names_what_goes_out_where_and_when():
    rows = decided(action=Action.SEND, reason=Reason.BEST, chosen=1, send_at_s=AT_S, propensity=0.9, plan_per_week=0.3)
    (decision,) = decisions(admitted(2), rows, found(2))
    assert decision.to_dict() == {
        "decision_id": "3fa2c1-1b-7",
        "action": "send",
        "candidate_id": "c1",
        "channel": "email",
        "send_at": "2026-03-01T01:00:00Z",
        "reasons": ("best",),
        "propensity": 0.9,
        "plan_per_week": 0.3,
        "policy_version": "1.2.abcd",
    }
    assert decision.send_at == datetime(2026, 3, 1, 1, tzinfo=UTC)


def test_a_deferral_says_when_and_names_the_binding_rule_first():
    refused = 1 << Reason.QUIET_HOURS | 1 << Reason.GAP | 1 << Reason.CAP_GLOBAL
    rows = decided(action=Action.DEFER, reason=Reason.GAP, chosen=0, send_at_s=AT_S + 60)
    (decision,) = decisions(admitted(1), rows, found(1, refused=refused))
    assert (decision.action, decision.send_at) == ("defer", datetime(2026, 3, 1, 1, 1, tzinfo=UTC))
    assert decision.reasons == ("gap", "quiet_hours", "cap_global")


def test_a_suppression_without_a_choice_names_the_rules_of_all_candidates():
    verdicts = found(2)
    verdicts["refused"] = [1 << Reason.EXPIRY, 1 << Reason.CONSENT_CHANNEL]
    (decision,) = decisions(admitted(2), decided(reason=Reason.EXPIRY), verdicts)
    assert (decision.action, decision.candidate_id, decision.channel, decision.send_at) == (
        "suppress",
        None,
        None,
        None,
    )
    assert decision.reasons == ("expiry", "consent_channel")


def test_consent_by_default_is_the_last_reason():
    rows = np.concatenate([decided(reason=Reason.PACE), decided(reason=Reason.HOLDOUT)])
    rows["by_default"] = [1, 0]
    verdicts = found(2, refused=1 << Reason.HOLDOUT)
    first, second = decisions(admitted(1, 1), rows, verdicts)
    assert first.reasons == ("pace", "holdout", "consent_by_default")
    assert second.reasons == ("holdout",)


def test_a_decisions_id_names_its_row_to_the_outcome():
    asked = admitted(*[1] * 20)
    rows = np.concatenate([decided(reason=Reason.PACE)] * 20)
    ids = [decision.decision_id for decision in decisions(asked, rows, found(20))]
    outcomes = admit_outcomes([{"decision_id": name, "type": "opened"} for name in ids], now_us=NOW_US)
    assert outcomes.decisions.tolist() == list(range(27, 47))
    assert outcomes.users.tolist() == list(range(7, 27))
    assert set(outcomes.logs) == {"3fa2c1"}


def test_verdicts_say_what_was_thought_of_each_candidate():
    rows = found(2, refused=1 << Reason.DIAL, reason=Reason.DIAL, index=np.nan, propensity=0)
    rows[1] = (NEVER_S, -0.5, 0.25, 0, 0, Reason.OUTRANKED)
    ((first, second),) = answers.verdicts([request.candidates for request in admitted(2).requests], rows)
    assert (first.candidate_id, first.reason, first.refused_by) == ("c0", "dial", ("dial",))
    assert (first.index, first.allowed_at) == (None, datetime(2026, 3, 1, 1, tzinfo=UTC))
    assert (second.reason, second.refused_by, second.index) == ("outranked", (), -0.5)
    assert (second.allowed_at, second.propensity) == (None, 0.25)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_name(reason):
    assert answers.reason_names(reason) == (reason.name.lower(),)


def test_a_mask_names_its_rules_in_their_order():
    everything = sum(1 << rule for rule in RULES)
    assert answers.reason_names(Reason.PACE, everything) == ("pace", *(rule.name.lower() for rule in RULES))


def test_a_body_holds_what_replay_needs_in_plain_json():
    request = {"user_id": "u", "candidates": [offer(item_id="ä", expires_at="2026-03-01T10:00:00+08:00")]}
    asked = admit_requests([request], Names(), now_us=NOW_US)
    rows = decided(reason=Reason.PACE, plan_per_week=0.5, credit=np.nan)
    (body,) = answers.bodies(
        asked.written, asked.count, rows, found(1, index=np.nan), parameters=3, keys=["k"], origins=[(4, 5)]
    )
    held = json.loads(body)
    assert held["candidates"] == request["candidates"]
    assert (held["parameters"], held["key"], held["origins"]) == (3, "k", [4, 5])
    assert held["decision"]["plan_per_week"] == 0.5
    assert held["decision"]["credit"] is None
    assert held["verdicts"][0]["index"] is None
    assert "ä" in body


def test_a_body_leaves_out_what_there_is_not():
    asked = admitted(1)
    (body,) = answers.bodies(asked.written, asked.count, decided(), found(1), parameters=1, keys=asked.keys)
    assert list(json.loads(body)) == ["candidates", "decision", "verdicts", "parameters"]


def test_a_damaged_body_is_a_decode_error():
    with pytest.raises(msgspec.DecodeError, match=re.escape("`$.decision`")):
        answers.read_decisions(['{"candidates":[],"decision":5,"verdicts":[],"parameters":1}'], [0], Names())


def test_nothing_comes_of_nothing():
    asked = admitted()
    assert decisions(asked, np.zeros(0, DECISION), np.zeros(0, VERDICT)) == []
    bodies = answers.bodies(asked.written, asked.count, np.zeros(0, DECISION), np.zeros(0, VERDICT), parameters=1)
    read = answers.read_decisions(bodies, [], Names())
    assert (bodies, len(read.decisions), len(read.verdicts), len(read.candidates)) == ([], 0, 0, 0)


def any_bits(dtype, count, seed):
    """Return rows whose numbers are any that there are, infinity and the codes of others left out."""
    chance = np.random.default_rng(seed)
    rows = np.frombuffer(bytearray(chance.bytes(count * dtype.itemsize)), dtype)
    for field in dtype.names:
        if dtype[field].kind == "f":
            rows[field][~np.isfinite(rows[field])] = np.nan
        elif field.endswith("_s"):
            rows[field] &= NEVER_S - 1
    rows["reason"] = chance.choice(list(Reason), count)
    if "action" in dtype.names:
        rows["action"], rows["chosen"] = chance.choice(list(Action), count), chance.integers(-1, 1, count)
    return rows


EXPIRIES = st.datetimes(datetime(1971, 1, 1), datetime(2105, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
TEXT = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
OFFERS = st.fixed_dictionaries(
    {"category": st.sampled_from("abc"), "channel": st.sampled_from("xyz")},
    optional={
        "campaign_id": TEXT,
        "item_id": TEXT,
        "value": st.floats(0, 1e9),
        "relevance": st.floats(0, 1e3),
        "expires_at": EXPIRIES,
    },
)
SIZES = st.lists(st.integers(1, 4), max_size=20)
SEEDS = st.integers(0, 2**32)


def requests_of(sizes, pool):
    """Return requests of these sizes, with candidates from a pool."""
    return [
        {"user_id": "u", "candidates": [{**pool[(i + j) % len(pool)], "candidate_id": str(j)} for j in range(size)]}
        for i, size in enumerate(sizes)
    ]


@given(SIZES, st.lists(OFFERS, min_size=1, max_size=3), SEEDS)
def test_decisions_read_the_same_to_the_bit_after_they_were_logged(sizes, pool, seed):
    names = Names()
    asked = admit_requests(requests_of(sizes, pool), names, now_us=NOW_US)
    rows, verdicts = any_bits(DECISION, len(sizes), seed), any_bits(VERDICT, sum(sizes), seed)
    keys = [None if i % 2 else f"ä{i}" for i in range(len(sizes))]
    origins = [tuple(range(i)) for i in range(len(sizes))]

    bodies = answers.bodies(
        asked.written, asked.count, rows, verdicts, parameters=2**32 - 1, keys=keys, origins=origins
    )
    read = answers.read_decisions(bodies, rows["action"].tolist(), names)

    assert [[one.to_dict() for one in many] for many in read.offered] == [
        [one.to_dict() for one in request.candidates] for request in asked.requests
    ]
    assert (read.keys, read.origins) == (keys, origins)
    assert read.parameters.tolist() == [2**32 - 1] * len(sizes)
    assert (read.first.tolist(), read.count.tolist()) == (asked.first.tolist(), asked.count.tolist())
    for mine, theirs in ((asked.candidates, read.candidates), (rows, read.decisions), (verdicts, read.verdicts)):
        for field in mine.dtype.names:
            if field != "spare":
                assert np.array_equal(mine[field], theirs[field], equal_nan=mine[field].dtype.kind == "f")


@given(SIZES, st.lists(OFFERS, min_size=1, max_size=3), SEEDS)
def test_answers_are_the_same_one_by_one_and_at_once(sizes, pool, seed):
    requests = requests_of(sizes, pool)
    asked = admit_requests(requests, Names(), now_us=NOW_US)
    rows, verdicts = any_bits(DECISION, len(sizes), seed), any_bits(VERDICT, sum(sizes), seed)
    together = decisions(asked, rows, verdicts)
    bodies = answers.bodies(asked.written, asked.count, rows, verdicts, parameters=1)
    for i, (first, size) in enumerate(zip(asked.first.tolist(), sizes, strict=True)):
        alone = admit_requests([requests[i]], Names(), now_us=NOW_US)
        part = verdicts[first : first + size]
        (one,) = decisions(alone, rows[i : i + 1], part)
        assert repr(one).partition(", action=")[2] == repr(together[i]).partition(", action=")[2]
        assert answers.bodies(alone.written, alone.count, rows[i : i + 1], part, parameters=1) == [bodies[i]]
