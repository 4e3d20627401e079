"""Tables of requests: the same decisions as lists of them, bit for bit, or one clear fault."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andante.live.engine import Engine
from andante.stores.memory import MemoryStore
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import CANDIDATES_MAX, Kind
from andante.vocabulary.reason import Action

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CONFIG = {
    "consent": {"default": "allow"},
    "experiment": {"holdout": 0.0},
    "quiet_hours": {"start": "22:00", "end": "08:00"},
    "categories": {"order_update": {"transactional": True}},
    "pacing": {"default_per_week": 7.0},
}

candidates = st.fixed_dictionaries(
    {
        "candidate_id": st.sampled_from("abcdefgh"),
        "category": st.sampled_from(["promotion", "order_update", "news"]),
        "channel": st.sampled_from(["push", "email"]),
    },
    optional={
        "campaign_id": st.sampled_from(["spring", "夏", ""]),
        "item_id": st.sampled_from(["i1", "i2"]),
        "value": st.floats(0, 1e9).filter(lambda one: one != 1),  # a list says an explicit 1, a table leaves it out
        "relevance": st.floats(0, 1e3).filter(lambda one: one != 1),
        "expires_at": st.integers(-3600, 86_400 * 3).map(lambda s: START + timedelta(seconds=s, microseconds=s * 7)),
    },
)
requests = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": st.sampled_from(["ann", "bob", "李", "d" * 512]),
            "candidates": st.lists(candidates, min_size=1, max_size=4, unique_by=lambda one: one["candidate_id"]),
            "at": st.integers(0, 86_400).map(lambda s: START + timedelta(seconds=s, microseconds=s % 3)),
        }
    ),
    max_size=20,
)


def table(asked: list[dict[str, Any]]) -> dict[str, Any]:
    """Return requests as columns."""
    rows = [(place, one, push) for place, one in enumerate(asked) for push in one["candidates"]]
    fields = ("candidate_id", "category", "channel", "campaign_id", "item_id", "expires_at")
    numbers = {name: [push.get(name, 1.0) for _, _, push in rows] for name in ("value", "relevance")}
    texts = {name: [push.get(name) for _, _, push in rows] for name in fields}
    asked_by = {"user_id": [one["user_id"] for _, one, _ in rows], "at": [one["at"] for _, one, _ in rows]}
    return {**texts, **numbers, **asked_by, "request": [place for place, _, _ in rows]}


def asked_alone(count: int = 3) -> dict[str, Any]:
    """Return a table of so many requests with one candidate each."""
    users = [f"user-{number}" for number in range(count)]
    return {"user_id": users, "candidate_id": "c", "category": "promotion", "channel": "push", "at": START}


@settings(max_examples=60, deadline=None)
@given(requests)
def test_a_table_is_decided_and_logged_bit_for_bit_as_a_list_is(asked: list[dict[str, Any]]) -> None:
    with Engine.open(":memory:", CONFIG) as one, Engine.open(":memory:", CONFIG) as other:
        listed = one.decide(asked)
        decided = other.decide_columns(table(asked))
        logs = [
            [tuple(row) for rows in engine.log_rows() for row in rows if row.kind == Kind.REQUEST]
            for engine in (one, other)
        ]
        assert logs[0] == logs[1]
        told = decided.to_dict()
        assert told["action"] == [decision.action for decision in listed]
        assert [tuple(reasons) for reasons in told["reasons"]] == [decision.reasons for decision in listed]
        assert told["propensity"].tolist() == [decision.propensity for decision in listed]
        assert told["plan_per_week"].tolist() == pytest.approx([decision.plan_per_week for decision in listed])
        ids = table(asked)["candidate_id"]
        assert [ids[row] if row >= 0 else None for row in told["row"]] == [one.candidate_id for one in listed]
        assert [None if np.isnat(at) else at.astype(datetime).replace(tzinfo=UTC) for at in told["send_at"]] == [
            one.send_at for one in listed
        ]


@pytest.mark.parametrize(
    "make",
    [
        dict,
        pd.DataFrame,
        lambda columns: pd.DataFrame(columns).astype({"user_id": "category", "channel": "string"}),
        lambda columns: pa.table(pa.Table.from_pandas(pd.DataFrame(columns))),
        lambda columns: {**columns, "user_id": np.array(columns["user_id"]), "at": np.datetime64("2026-03-02T09:00")},
        lambda columns: {**columns, "user_id": pd.Series(columns["user_id"]), "at": pd.Series([START] * 3)},
        lambda columns: {**columns, "at": pa.array([START] * 3)},
        lambda columns: {**columns, "campaign_id": pd.Series([None, None, None]), "value": 1, "item_id": None},
        lambda columns: {**columns, "expires_at": np.array(["NaT"] * 3, "datetime64[s]"), "relevance": np.ones(3, int)},
    ],
)
def test_columns_of_every_library_say_the_same(make: Callable[[dict[str, Any]], Any]) -> None:
    def decided(given: Any) -> dict[str, Any]:
        with Engine.open(":memory:", CONFIG) as engine:
            told = engine.decide_columns(given).to_dict()
            return {"at": [row.at_us for rows in engine.log_rows() for row in rows][-3:], **told}

    told, plain = decided(make(asked_alone())), decided(asked_alone())
    assert {name: list(map(str, column)) for name, column in told.items() if name != "decision_id"} == {
        name: list(map(str, column)) for name, column in plain.items() if name != "decision_id"
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user_id": ["a", "", "c"]}, "columns.user_id[1] ('') has 0 characters"),
        ({"user_id": ["a", 7, "c"]}, "columns.user_id[1] (7) is no text"),
        ({"user_id": ["a", "\ud800", "c"]}, "columns.user_id[1]"),
        ({"channel": "x" * 513}, "has 513 characters"),
        ({"value": [1.0, -2.0, 1.0]}, "columns.value[1] (-2.0) is no number from 0 to 1e+09"),
        ({"value": ["1", "much", "1"]}, "columns.value"),
        ({"relevance": [1.0, 1.0, float("nan")]}, "columns.relevance[2]"),
        ({"at": [START, START.replace(tzinfo=None), START]}, "columns.at[1] (2026-03-02T09:00:00) has no zone"),
        ({"at": np.array(["2026-01-01", "2200-01-01", "2026-01-01"], "datetime64[s]")}, "columns.at[1]"),
        ({"at": "now"}, "columns.at ('now') is no time"),
        ({"expires_at": [None, 5, None]}, "columns.expires_at[1] (5) is no time"),
        ({"candidate_id": ["a", "b"]}, "columns.candidate_id has 2 rows, where user_id has 3"),
        ({"chanel": "push"}, "columns.chanel is an unknown column: did you mean channel?"),
        ({"request": [1, 1, 2]}, "columns.user_id[1] (user-1) differs within its request"),
    ],
)
def test_one_wrong_row_refuses_the_table_and_names_itself(change: dict[str, Any], message: str) -> None:
    with Engine.open(":memory:", CONFIG) as engine:
        before = sum(len(rows) for rows in engine.log_rows())
        with pytest.raises(InputFault) as caught:
            engine.decide_columns({**asked_alone(), **change})
        assert message in str(caught.value)
        assert sum(len(rows) for rows in engine.log_rows()) == before


@pytest.mark.parametrize("given_instead", [[1, 2], None, 5, "table"])
def test_what_is_no_table_is_refused(given_instead: object) -> None:
    with Engine.open(":memory:", CONFIG) as engine, pytest.raises(InputFault, match="is no table"):
        engine.decide_columns(given_instead)


def test_a_missing_column_is_named() -> None:
    columns = asked_alone()
    del columns["category"]
    with Engine.open(":memory:", CONFIG) as engine, pytest.raises(InputFault, match=r"columns\.category is missing"):
        engine.decide_columns(columns)


@pytest.mark.parametrize(
    ("rows", "change", "message"),
    [
        (CANDIDATES_MAX + 1, {}, f"begins a request of {CANDIDATES_MAX + 1} candidates"),
        (2, {"candidate_id": ["same", "same"]}, "is the id of another candidate"),
        (2, {"at": [START, START + timedelta(seconds=1)]}, "differs within its request"),
    ],
)
def test_a_request_that_no_list_could_hold_is_refused(rows: int, change: dict[str, Any], message: str) -> None:
    columns = {**asked_alone(rows), "user_id": "ann", "request": 1, "candidate_id": [str(row) for row in range(rows)]}
    with Engine.open(":memory:", CONFIG) as engine, pytest.raises(InputFault, match=message):
        engine.decide_columns({**columns, **change})


def test_an_empty_table_decides_nothing() -> None:
    with Engine.open(":memory:", CONFIG) as engine:
        decided = engine.decide_columns({"user_id": [], "candidate_id": [], "category": [], "channel": []})
        assert (len(decided), decided.to_dict()["action"]) == (0, [])


def test_what_a_table_defers_waits_and_is_released(tmp_path: Path) -> None:
    night = {**asked_alone(50), "at": START.replace(hour=23)}
    with Engine.open(tmp_path / "a.db", CONFIG) as engine:
        deferred = set(np.array(engine.decide_columns(night).decision_ids())[:].tolist())
        assert engine.next_release() is not None
    with Engine.open(tmp_path / "a.db", CONFIG) as engine:  # from the log alone
        released = engine.release(START + timedelta(days=1, hours=1))
    assert released
    assert {origin for one in released for origin in one.origins} <= deferred
    assert {one.decision.candidate_id for one in released} == {"c"}


def test_a_caller_may_change_its_columns_afterwards() -> None:
    columns = {**asked_alone(20), "candidate_id": [f"c{number}" for number in range(20)], "value": np.ones(20)}
    with Engine.open(":memory:", CONFIG) as engine, Engine.open(":memory:", CONFIG) as other:
        engine.decide_columns(columns)
        other.decide_columns(columns)
        first = [row.body for rows in engine.log_rows() for row in rows if row.kind == Kind.REQUEST]
        columns["candidate_id"][:] = ["changed"] * 20
        columns["value"][:] = 99.0
        assert [row.body for rows in other.log_rows() for row in rows if row.kind == Kind.REQUEST] == first


def test_sends_names_the_rows_that_go_out() -> None:
    with Engine.open(":memory:", CONFIG) as engine:
        decided = engine.decide_columns(asked_alone(200))
        assert decided.sends.tolist() == [row for row in range(200) if decided.action[row] == Action.SEND]
        assert len(decided.sends) > 0


def test_a_log_in_memory_writes_rows_out_only_when_they_are_read() -> None:
    store = MemoryStore()
    with Engine.over(store) as engine:
        engine.decide_columns(asked_alone(100))
        blocks = store._rows._blocks
        assert callable(blocks[-1])
        rows = [row for rows in engine.log_rows() for row in rows]
        assert not callable(blocks[-1])
        assert len([row for row in rows if row.kind == Kind.REQUEST]) == 100
