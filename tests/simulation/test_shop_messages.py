import dataclasses

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from andante.simulation import shop_log
from andante.simulation.outcomes import pressure
from andante.simulation.pushes import Pushes
from andante.simulation.shop_log import ShopLog
from andante.simulation.trail import DAY_US
from andante.vocabulary.fault import SettingsFault
from andante.vocabulary.message import MESSAGE_COLUMNS

LOG = ShopLog(users=8000, days=84, seed=7)
MONDAY = pd.Timestamp("2026-01-05")


def read(log, rows=1_000_000, **how):
    return pa.Table.from_batches(log.message_batches(rows, **how))


@pytest.fixture(scope="module")
def messages():
    return read(LOG).to_pandas()


@pytest.fixture(scope="module")
def truth():
    return LOG.truth().to_pandas().set_index("user_id")


@pytest.fixture(scope="module")
def pushes(messages):
    """One row per push: its week, its outcomes as true and false, and the pushes of its user-week."""
    sent = messages[messages.type == "sent"].set_index("decision_id")
    rows = sent.assign(week=(sent["at"] - MONDAY).dt.days // 7)
    for kind in ("delivered", "opened", "clicked", "converted", "unsubscribed"):
        rows[kind] = rows.index.isin(messages.decision_id[messages.type == kind])
    rows["per_week"] = rows.groupby(["user_id", "week"]).user_id.transform("size")
    return rows


def test_the_columns_are_those_of_the_vocabulary():
    assert read(ShopLog(users=50)).schema.names == list(MESSAGE_COLUMNS)


def test_a_push_has_one_row_of_each_type_and_its_user_throughout(messages):
    assert not messages.duplicated(["decision_id", "type"]).any()
    assert not messages.drop_duplicates(["decision_id", "user_id"]).decision_id.duplicated().any()
    assert set(messages.type) == {
        "sent",
        "delivered",
        "opened",
        "clicked",
        "converted",
        "unsubscribed",
        "rated",
    }


def test_outcomes_come_after_what_they_need(messages):
    at = messages.pivot_table(index="decision_id", columns="type", values="at")
    for earlier, later in [
        ("sent", "delivered"),
        ("delivered", "opened"),
        ("opened", "clicked"),
        ("clicked", "converted"),
        ("delivered", "unsubscribed"),
        ("sent", "rated"),
    ]:
        both = at.dropna(subset=[later])
        assert len(both) > 100
        assert (both[later] > both[earlier]).mean() > 0.96  # not all pushes that are rated or left were delivered
    assert at["opened"].sub(at["sent"]).median() < pd.Timedelta(hours=3)


def test_messages_lie_within_the_window_and_pushes_within_the_day(messages, pushes):
    assert messages["at"].min() >= MONDAY
    assert messages["at"].max() < MONDAY + pd.Timedelta(days=LOG.days)
    assert (pushes["at"] + pd.Timedelta(hours=8)).dt.hour.between(8, 21).all()


def test_weekly_pushes_vary_at_random_and_whatever_the_user(pushes, truth):
    weeks = pushes.drop_duplicates(["user_id", "week"])
    counts = weeks.per_week.value_counts(normalize=True)
    assert set(counts.index) == set(range(1, 11))
    assert counts.min() > 0.08
    activity = truth.visits_per_day[weeks.user_id]
    assert abs(spearmanr(activity, weeks.per_week).statistic) < 0.02


def test_some_users_are_never_pushed(pushes):
    assert 0.7 < pushes.user_id.nunique() / LOG.users < 0.82


def test_response_falls_with_pressure(pushes):
    opened = pushes.groupby("per_week").opened.mean()
    assert spearmanr(opened.index, opened).statistic < -0.95
    assert opened[10] < 0.7 * opened[1]


def test_response_falls_with_pushes_just_before_whoever_the_user_is(pushes):
    ordered = pushes.sort_values(["user_id", "at"])
    gap = ordered.groupby("user_id")["at"].diff()
    own = ordered.opened - ordered.groupby("user_id").opened.transform("mean")
    assert own[gap < pd.Timedelta(hours=12)].mean() < own[gap > pd.Timedelta(days=4)].mean() - 0.01


def test_response_rises_with_interest(pushes, truth):
    activity = pd.qcut(truth.visits_per_day[pushes.user_id], 4, labels=False).to_numpy()
    opened = pushes.groupby(activity).opened.mean()
    assert opened.is_monotonic_increasing
    assert opened[3] > 2 * opened[0]


def test_outcomes_narrow(pushes):
    share = pushes[["delivered", "opened", "clicked", "converted", "unsubscribed"]].mean()
    assert 0.96 < share.delivered < 0.98
    assert 0.03 < share.opened < 0.12
    assert share.clicked < 0.5 * share.opened
    assert 0 < share.converted < 0.3 * share.clicked
    assert 0.001 < share.unsubscribed < 0.006


def test_nobody_is_pushed_after_unsubscribing(messages):
    left = messages[messages.type == "unsubscribed"].set_index("user_id")["at"]
    assert left.index.is_unique
    last = messages[messages.type == "sent"].groupby("user_id")["at"].max()
    assert (last[left.index] < left).all()


def test_opt_outs_rise_with_pressure(pushes):
    ordered = pushes.sort_values(["user_id", "at"])
    third_before = ordered.groupby("user_id")["at"].shift(3)  # realised weeks would be cut short by leaving
    close = ordered["at"] - third_before < pd.Timedelta(days=2)
    far = ordered["at"] - third_before > pd.Timedelta(days=6)
    assert ordered[close].unsubscribed.mean() > 1.3 * ordered[far].unsubscribed.mean()


@pytest.fixture(scope="module")
def ratings(messages, pushes):
    rated = messages[messages.type == "rated"].set_index("decision_id")[["rating", "at"]]
    return rated.join(pushes[["user_id", "week", "per_week"]])


def test_ratings_are_an_inverted_u_in_weekly_pushes(ratings):
    mean = ratings.groupby("per_week").rating.mean()
    best = mean.idxmax()
    assert 2 <= best <= 5
    assert mean[:best].is_monotonic_increasing
    assert mean[best:].is_monotonic_decreasing
    assert mean[best] > mean[1] + 0.4
    assert mean[best] > mean[10] + 1.5
    assert set(ratings.rating) == {1, 2, 3, 4, 5}


def test_each_user_has_a_band_of_their_own(ratings, truth):
    band = truth.loc[ratings.user_id].reset_index(drop=True)
    right = ratings.per_week.reset_index(drop=True).between(band.right_from_per_week, band.right_to_per_week)
    rating = ratings.rating.reset_index(drop=True)
    assert rating[right].mean() > 4.3
    assert rating[~right].mean() < 3.8
    assert truth.right_to_per_week.quantile(0.9) > 1.8 * truth.right_to_per_week.quantile(0.1)
    assert spearmanr(truth.visits_per_day, truth.right_from_per_week).statistic > 0.5


def test_ratings_are_given_for_some_weeks_within_the_week(ratings, pushes):
    assert abs(len(ratings) / len(pushes.drop_duplicates(["user_id", "week"])) - 0.1) < 0.01
    assert ((ratings["at"] - MONDAY).dt.days // 7 == ratings.week).all()


@pytest.mark.usefixtures("small_blocks")
def test_batches_and_order_change_no_row():
    log = ShopLog(users=200, days=28, seed=3)
    whole = read(log)
    assert read(log, 777).combine_chunks() == whole.combine_chunks()
    ordered = read(log, 777, ordered=True)
    assert (np.diff(ordered["at"].to_numpy()) >= np.timedelta64(0)).all()
    key = [("decision_id", "ascending"), ("type", "ascending")]
    assert ordered.sort_by(key).combine_chunks() == whole.sort_by(key).combine_chunks()


@pytest.fixture
def small_blocks(monkeypatch):
    """Make even a small log fill several blocks of users."""
    monkeypatch.setattr(shop_log, "BLOCK_ROWS", 1000)


def test_a_written_message_log_reads_back(tmp_path):
    log = ShopLog(users=100, days=28, seed=3)
    log.write_messages(tmp_path / "messages.parquet", ordered=True)
    assert pq.read_table(tmp_path / "messages.parquet") == read(log, ordered=True)


def test_users_are_those_of_the_events(truth):
    log = ShopLog(users=300, days=28, seed=3)
    users = {batch["user_id"][0].as_py() for batch in log.batches(1)}
    assert {row["user_id"] for row in read(log).select(["user_id"]).to_pylist()} <= users
    assert truth.index.is_unique
    assert len(truth) == LOG.users


def test_no_reachable_user_means_an_empty_log(tmp_path):
    log = ShopLog(users=50, days=14, pushes=Pushes(reachable=0.0))
    log.write_messages(tmp_path / "messages.csv", "csv")
    assert len((tmp_path / "messages.csv").read_text().splitlines()) == 1


def test_pushes_leave_the_events_alone():
    log = ShopLog(users=100, days=14)
    other = dataclasses.replace(log, pushes=Pushes(reachable=0.1, rated=1.0))
    assert list(log.batches()) == list(other.batches())


@pytest.mark.parametrize("wrong", [{"per_week_max": 0}, {"reachable": 1.2}, {"rated": -1}])
def test_wrong_pushes_are_named(wrong):
    with pytest.raises(SettingsFault, match=next(iter(wrong))):
        Pushes(**wrong)


@settings(deadline=None)
@given(
    half_life=st.floats(0.1, 60),
    pushes=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 100 * DAY_US)), max_size=30).map(sorted),
)
def test_pressure_is_the_decayed_count_of_the_users_earlier_pushes(half_life, pushes):
    user = np.array([who for who, _ in pushes], dtype=np.int64)
    at_us = np.array([at for _, at in pushes], dtype=np.int64)
    slow = [
        sum(0.5 ** ((at_us[i] - at_us[j]) / DAY_US / half_life) for j in range(i) if user[j] == user[i])
        for i in range(len(pushes))
    ]
    np.testing.assert_allclose(pressure(user, at_us, half_life), slow, rtol=1e-9, atol=1e-12)
