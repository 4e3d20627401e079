"""Plans come in as lists, mappings, tables and files."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.live.admission import admit_plan
from andante.live.answers import read_plans
from andante.vocabulary.fault import InputFault, MissingColumn, UnreadableInput
from andante.vocabulary.records import PlanEntry

pa = pytest.importorskip("pyarrow")
pandas = pytest.importorskip("pandas")
parquet = pytest.importorskip("pyarrow.parquet")


def test_a_list_of_dictionaries_and_entries_becomes_columns():
    plan = [
        {"user_id": "a", "plan_per_week": 3, "interest": 0.5, "theta": 0.25},
        PlanEntry(user_id="b", plan_per_week=0.1),
    ]
    admitted = admit_plan(plan, theta=0.125)
    assert admitted.user_ids == ["a", "b"]
    assert admitted.per_week.tolist() == [3, np.float32(0.1)]
    assert admitted.interest[0] == 0.5
    assert math.isnan(admitted.interest[1])
    assert admitted.theta.tolist() == [0.25, 0.125]
    assert json.loads(admitted.bodies[0]) == {"per_week": 3, "interest": 0.5, "theta": 0.25}
    assert json.loads(admitted.bodies[1])["interest"] is None


def test_a_mapping_gives_each_user_a_pace():
    admitted = admit_plan({"a": 3, "b": np.float64(0.5)})
    assert (admitted.user_ids, admitted.per_week.tolist()) == (["a", "b"], [3, 0.5])
    assert np.isnan(admitted.interest).all()
    assert np.isnan(admitted.theta).all()


@pytest.mark.parametrize("pace", ["plan_per_week", "pushes_per_week", "per_week", "frequency"])
@pytest.mark.parametrize("make", [pa.table, pandas.DataFrame])
def test_a_table_is_taken_by_its_columns(make, pace):
    table = make({"persona": ["x", "y"], "user_id": ["a", "b"], pace: [1.5, 2], "interest": [0.5, None]})
    admitted = admit_plan(table)
    assert (admitted.user_ids, admitted.per_week.tolist()) == (["a", "b"], [1.5, 2])
    assert admitted.interest[0] == 0.5
    assert math.isnan(admitted.interest[1])


@pytest.mark.parametrize("as_text", [True, False])
def test_the_file_of_a_run_is_a_plan(tmp_path, as_text):
    path = tmp_path / "frequencies.parquet"
    columns = {
        "user_id": ["a"],
        "pushes_per_week": [1.234],
        "interest": [0.5],
        "persona": ["x"],
        "interest_buys": [0.1],
    }
    parquet.write_table(pa.table(columns), path)
    admitted = admit_plan(str(path) if as_text else path)
    assert (admitted.user_ids, admitted.per_week.tolist()) == (["a"], [np.float32(1.234)])


def test_no_plan_is_empty():
    assert admit_plan([]).user_ids == admit_plan({}).user_ids == []


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"a": 1, "b": -1}, "plan[1].plan_per_week (-1) is below 0: give pushes per week, from 0 to 168"),
        ({"a": float("nan")}, "plan[0].plan_per_week (nan) is not a number: "),
        ({"a": float("inf")}, "plan[0].plan_per_week (inf) is not finite: "),
        ({"a": 168.5}, "plan[0].plan_per_week (168.5) is above 168: "),
        ({5: 1}, "plan[0].user_id (5) is a whole number, not text: "),
        ({"\ud800": 1}, "plan[0].user_id ('\\ud800') is not text that UTF-8 can carry: "),
        (
            [{"user_id": "a", "plan_per_week": 1, "interest": 1.5}],
            "plan[0].interest (1.5) is above 1: give a number from 0",
        ),
        ([{"user_id": "a", "per_week": 1}], "plan[0].per_week is an unknown field: did you mean plan_per_week?"),
        ([{"user_id": "a"}], "plan[0].plan_per_week is missing: "),
        ([{"user_id": "a", "plan_per_week": 1}] * 2, "plan[1].user_id ('a') has a plan already: give one entry a user"),
        (pa.table({"user_id": [5], "per_week": [1.0]}), "plan[0].user_id (5) is a whole number, not text: "),
        (pa.table({"user_id": ["a"], "per_week": [None]}), "plan[0].plan_per_week is null, not a number: "),
        (7, "plan (int) is no list: give a list of entries, a mapping, a table, or the path of one"),
    ],
)
def test_what_cannot_be_taken_is_named(plan, said):
    with pytest.raises(InputFault) as caught:
        admit_plan(plan)
    assert said in str(caught.value)


def test_a_table_without_a_pace_is_refused():
    with pytest.raises(MissingColumn, match=r"plan_per_week.*the table has user_id, persona"):
        admit_plan(pa.table({"user_id": ["a"], "persona": ["x"]}))


@pytest.mark.parametrize("content", [None, b"user_id,pushes_per_week\na,1\n"])
def test_a_file_that_is_no_parquet_is_refused(tmp_path, content):
    path = tmp_path / "frequencies.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableInput, match=r"give the frequencies.parquet of andante run"):
        admit_plan(path)


@given(st.dictionaries(st.text("ab", min_size=1), st.tuples(st.floats(0, 168), st.one_of(st.none(), st.floats(0, 1)))))
def test_a_plan_reads_the_same_after_it_was_logged(plan):
    entries = [
        {"user_id": user, "plan_per_week": per_week, "interest": interest}
        for user, (per_week, interest) in plan.items()
    ]
    admitted = admit_plan(entries, theta=0.3)
    assert admitted.user_ids == list(plan)
    for read, column in zip(
        read_plans(admitted.bodies), (admitted.per_week, admitted.interest, admitted.theta), strict=True
    ):
        assert np.array_equal(read.astype(np.float32), column, equal_nan=True)
