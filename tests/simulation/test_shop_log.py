import dataclasses
import json
from datetime import UTC, date, datetime

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from andante.simulation import shop_log
from andante.simulation.faults import Faults
from andante.simulation.shop_log import ShopLog
from andante.vocabulary.event import EVENT_COLUMNS
from andante.vocabulary.fault import SettingsFault

LOG = ShopLog(users=4000, days=84, seed=7)


def read(log, rows=1_000_000, **how):
    return pa.Table.from_batches(log.batches(rows, **how))


@pytest.fixture(scope="module")
def table():
    return read(LOG)


@pytest.fixture(scope="module")
def events(table):
    return table.to_pandas()


@pytest.fixture
def small_blocks(monkeypatch):
    """Make even a small log fill several blocks of users."""
    monkeypatch.setattr(shop_log, "BLOCK_ROWS", 1000)


def test_the_columns_are_those_of_the_vocabulary(table):
    kinds = {"VARCHAR": pa.string(), "TIMESTAMP": pa.timestamp("us"), "DOUBLE": pa.float64()}
    assert {field.name: field.type for field in table.schema} == {
        name: kinds[kind] for name, kind in EVENT_COLUMNS.items()
    }
    assert table.schema.names == list(EVENT_COLUMNS)


def test_event_ids_are_unique_and_every_user_leaves_a_trace(events):
    assert events.event_id.is_unique
    assert set(events.user_id) == {f"u{number:07d}" for number in range(1, LOG.users + 1)}


def test_events_lie_within_the_window(events):
    assert events["at"].min() >= pd.Timestamp("2026-01-05")
    assert events["at"].max() < pd.Timestamp("2026-01-05") + pd.Timedelta(days=84)


def test_the_mix_is_that_of_a_shop(events):
    share = events.type.value_counts(normalize=True)
    assert set(share.index) == {"view", "search", "cart", "favorite", "purchase"}
    assert 0.70 < share["view"] < 0.85
    assert 0.08 < share["search"] < 0.20
    assert 0.01 < share["favorite"] < 0.04
    assert 0.03 < share["cart"] < 0.06
    assert 0.012 < share["purchase"] < 0.03


def test_only_what_an_event_has_is_filled(events):
    has = events.groupby("type")[["item_id", "category", "query", "value"]].agg(lambda column: column.notna().mean())
    assert (has.loc["search"] == [0, 0, 1, 0]).all()
    assert (has.loc["purchase"] == [1, 1, 0, 1]).all()
    assert (has.loc[["view", "cart", "favorite"]] == [1, 1, 0, 0]).all().all()


def test_an_item_has_one_category_and_one_price(events):
    assert not events.dropna(subset="item_id").drop_duplicates(["item_id", "category"]).item_id.duplicated().any()
    bought = events[events.type == "purchase"]
    unit = bought.groupby("item_id").value.min()
    times = bought.value / bought.item_id.map(unit)
    assert (bought.value > 0).all()
    assert np.mean(np.abs(times * 2 - np.round(times * 2)) < 0.05) > 0.99  # halves where the cheapest line held two


def test_the_day_has_a_lunch_peak_an_evening_peak_and_a_deep_night(events):
    hour = (events["at"] + pd.Timedelta(hours=8)).dt.hour
    profile = hour.value_counts().reindex(range(24)).to_numpy() / hour.value_counts().max()
    assert 19 <= profile.argmax() <= 21
    assert profile[12] > profile[9] + 0.15
    assert profile[12] > profile[15] + 0.10
    assert 0.05 < profile[3:5].mean() < 0.15


def test_local_hours_follow_the_offset():
    utc = ShopLog(users=500, days=28, utc_offset_h=0.0)
    singapore = ShopLog(users=500, days=28, utc_offset_h=8.0)
    peaks = [read(log).to_pandas()["at"].dt.hour.value_counts().idxmax() for log in (utc, singapore)]
    assert abs((peaks[0] - peaks[1]) % 24 - 8) <= 2


def test_weekends_differ_from_user_to_user(events):
    ordered = events.sort_values(["user_id", "at"], kind="stable")
    begins = ordered["at"].diff().gt(pd.Timedelta(minutes=30)) | (ordered.user_id != ordered.user_id.shift())
    visits = ordered[begins]
    weekend = (visits["at"] + pd.Timedelta(hours=8)).dt.day_of_week >= 5
    assert 0.26 < weekend.mean() < 0.38
    own = weekend.groupby(visits.user_id).agg(["mean", "size"]).query("size > 40")
    by_chance = (weekend.mean() * (1 - weekend.mean()) / own["size"]).mean()
    assert len(own) > 50
    assert own["mean"].var() > 1.7 * by_chance


def test_events_come_in_sessions(events):
    ordered = events.sort_values(["user_id", "at"], kind="stable")
    gap = ordered["at"].diff().dt.total_seconds().where(ordered.user_id == ordered.user_id.shift())
    within = gap[gap < 1800]
    assert 5 < within[within > 0].median() < 60
    assert (gap > 6 * 3600).sum() > 2 * gap.between(1800, 3 * 3600).sum()  # either seconds or many hours
    sessions = (gap.isna() | (gap >= 1800)).sum()
    assert 4 < len(events) / sessions < 8


def test_the_funnel_narrows_and_never_skips_a_step(events):
    pairs = {kind: set(zip(part.user_id, part.item_id, strict=True)) for kind, part in events.groupby("type")}
    assert pairs["cart"] <= pairs["view"]
    assert pairs["purchase"] <= pairs["cart"]
    assert len(pairs["purchase"]) < len(pairs["cart"]) < len(pairs["view"])


def test_baskets_hold_several_lines_at_one_instant(events):
    lines = events[events.type == "purchase"].groupby(["user_id", "at"]).size()
    assert 0.15 < (lines > 1).mean() < 0.5
    assert lines.max() >= 5


def test_activity_and_items_have_heavy_tails(events):
    per_user = np.sort(events.user_id.value_counts().to_numpy())[::-1]
    assert 0.06 < per_user[: len(per_user) // 100].sum() / per_user.sum() < 0.35
    assert np.median(per_user) < per_user.mean() / 1.8
    per_item = events.item_id.value_counts().to_numpy()
    assert per_item[: len(per_item) // 10].sum() > 0.4 * per_item.sum()


def test_past_activity_ranks_future_activity_but_does_not_decide_it(events):
    middle = pd.Timestamp("2026-02-16")
    before = events[events["at"] < middle].user_id.value_counts()
    after = events[events["at"] >= middle].user_id.value_counts().reindex(before.index, fill_value=0)
    assert 0.35 < spearmanr(before, after).statistic < 0.85


def test_users_lapse_return_and_join(events):
    week = (events["at"] - pd.Timestamp("2026-01-05")).dt.days // 7
    present = pd.crosstab(events.user_id, week) > 0
    rate = LOG.truth().to_pandas().set_index("user_id").visits_per_day
    regular = present[rate[present.index] > rate.quantile(0.95)]  # several visits a week: an empty week is no accident
    word = regular.astype(int).astype(str).agg("".join, axis=1)
    assert 0.1 < word.str.contains("100+1").mean() < 0.8
    assert 0.1 < word.str.match("00+1").mean() < 0.6


def test_users_have_tastes_of_their_own(events):
    seen = events.dropna(subset="category")
    shop = seen.category.value_counts(normalize=True)
    busy = seen.groupby("user_id").filter(lambda part: len(part) > 100)
    own = busy.groupby("user_id").category.agg(lambda part: part.value_counts(normalize=True).iloc[0])
    assert own.median() > 1.8 * shop.iloc[0]


def test_queries_are_words_of_a_category_in_the_users_language(events):
    known = {code: {word for category in LOG.categories for word in category.words[code]} for code in ("en", "zh")}
    queries = events.dropna(subset="query")
    chinese = queries["query"].map(lambda text: any(word in text for word in known["zh"]))
    english = queries["query"].map(lambda text: any(word in text for word in known["en"]))
    assert (chinese ^ english).all()
    assert 0.2 < chinese.mean() < 0.4
    assert chinese.groupby(queries.user_id).nunique().max() == 1
    assert queries["query"].nunique() > 1000


def test_users_repeat_their_own_queries(events):
    language = {word: (c.name, code) for c in LOG.categories for code in c.words for word in c.words[code]}
    queries = events.dropna(subset="query")
    about = queries["query"].map(lambda text: next(language[word] for word in language if word in text))
    busy = queries.groupby("user_id").filter(lambda part: len(part) > 30)
    strangers = busy.groupby(about)["query"].transform(lambda part: part.sample(frac=1, random_state=1).to_numpy())

    def repeats(column):
        return 1 - (column.groupby(busy.user_id).nunique() / column.groupby(busy.user_id).size()).mean()

    assert repeats(busy["query"]) > 1.15 * repeats(strangers)


@pytest.mark.usefixtures("small_blocks")
@settings(max_examples=8, deadline=None)
@given(rows=st.integers(1, 9000))
def test_the_size_of_batches_changes_nothing(rows):
    log = ShopLog(users=300, days=28, seed=11)
    batches = list(log.batches(rows))
    assert all(batch.num_rows == rows for batch in batches[:-1])
    assert 0 < batches[-1].num_rows <= rows
    assert pa.Table.from_batches(batches).combine_chunks() == read(log).combine_chunks()


@pytest.mark.usefixtures("small_blocks")
def test_several_blocks_still_make_one_log():
    log = ShopLog(users=300, days=28, seed=11)
    whole = read(log).to_pandas()
    assert len(list(log._places())) > 3
    assert whole.event_id.is_unique
    assert whole.user_id.nunique() == 300


def test_the_seed_decides():
    log = ShopLog(users=200, days=14, seed=1)
    assert read(log) == read(ShopLog(users=200, days=14, seed=1))
    assert read(log) != read(dataclasses.replace(log, seed=2))


@pytest.mark.parametrize(("users", "target"), [(1000, 20_000), (1000, 200_000), (5000, 60_000)])
def test_a_target_is_met(users, target):
    count = read(ShopLog(users=users, days=60, seed=3, events_target=target)).num_rows
    assert abs(count / target - 1) < 0.05


@pytest.mark.usefixtures("small_blocks")
def test_an_ordered_log_has_the_same_rows_in_the_order_of_time():
    log = ShopLog(users=400, days=28, seed=5, faults=Faults(duplicates=0.02))
    ordered = read(log, 1000, ordered=True)
    at = ordered["at"].to_numpy()
    assert (np.diff(at) >= np.timedelta64(0)).all()
    assert (np.diff(read(log)["at"].to_numpy()) < np.timedelta64(0)).any()
    order = [("event_id", "ascending")]
    assert ordered.sort_by(order).combine_chunks() == read(log).sort_by(order).combine_chunks()


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("form", ["parquet", "csv", "ndjson"])
def test_a_written_log_reads_back_the_same(tmp_path, form, ordered):
    log = ShopLog(users=300, days=28, seed=5)
    path = tmp_path / f"o'log.{form}"
    log.write(path, form, ordered=ordered)
    columns = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in EVENT_COLUMNS.items())
    reader = {"parquet": "read_parquet(?)", "csv": "read_csv(?, all_varchar=true)", "ndjson": "read_json(?)"}[form]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        back = connection.execute(f"SELECT {columns} FROM {reader}", [str(path)]).to_arrow_table()
    order = [("event_id", "ascending")]
    assert back.sort_by(order).to_pylist() == read(log).sort_by(order).to_pylist()


def test_equal_logs_write_equal_bytes(tmp_path):
    log = ShopLog(users=300, days=28, seed=5)
    for form in ("parquet", "csv", "ndjson"):
        paths = [tmp_path / f"{turn}.{form}" for turn in ("one", "two")]
        for path in paths:
            log.write(path, form, ordered=True)
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_text_holds_times_in_utc_that_say_so(tmp_path):
    log = ShopLog(users=20, days=7, seed=5)
    log.write(tmp_path / "log.ndjson", "ndjson")
    log.write(tmp_path / "log.csv", "csv")
    first = read(log)["at"][0].as_py().replace(tzinfo=UTC)
    told = json.loads((tmp_path / "log.ndjson").read_text().splitlines()[0])["at"]
    assert datetime.fromisoformat(told) == first
    told = (tmp_path / "log.csv").read_text().splitlines()[1].split(",")[3]
    assert datetime.fromisoformat(told) == first


def test_parquet_keeps_plain_strings(tmp_path):
    ShopLog(users=20, days=7).write(tmp_path / "log.parquet")
    assert pq.read_schema(tmp_path / "log.parquet").field("user_id").type == pa.string()


def test_duplicates_repeat_rows_whole():
    log = ShopLog(users=400, days=28, seed=5)
    twice = read(dataclasses.replace(log, faults=Faults(duplicates=0.1))).to_pandas()
    repeats = twice.duplicated()
    assert 0.08 < repeats.sum() / read(log).num_rows < 0.12
    assert twice[~repeats].reset_index(drop=True).equals(read(log).to_pandas())
    assert twice.duplicated("event_id").sum() == repeats.sum()


@pytest.mark.usefixtures("small_blocks")
def test_one_robot_makes_its_share_of_the_rows_day_and_night():
    found = read(ShopLog(users=400, days=28, seed=5, faults=Faults(bots=0.4))).to_pandas()
    robot = found[found.user_id == found.user_id.value_counts().idxmax()]
    assert robot.user_id.iloc[0] == "u0000401"
    assert abs(len(robot) / len(found) - 0.4) < 0.01
    hours = robot["at"].dt.hour.value_counts()
    assert hours.min() > 0.7 * hours.max()
    assert found.event_id.is_unique


def test_cancellations_are_purchases_that_come_again_negative():
    log = ShopLog(users=1500, days=56, seed=5, faults=Faults(cancellations=0.2))
    bought = read(log).to_pandas().query("type == 'purchase'")
    undone = bought[bought.value < 0]
    assert 0.1 < len(undone) / (bought.value > 0).sum() < 0.25
    lines = bought[bought.value > 0].merge(undone.assign(value=-undone.value), on=["user_id", "item_id", "value"])
    assert len(lines) >= len(undone)
    assert (lines.at_y > lines.at_x).mean() > 0.9


def test_broken_lines_are_added_to_a_csv_and_hurt_no_good_one(tmp_path):
    clean = ShopLog(users=300, days=28, seed=5)
    clean.write(tmp_path / "clean.csv", "csv")
    dataclasses.replace(clean, faults=Faults(bad_rows=0.05)).write(tmp_path / "dirty.csv", "csv")
    good = (tmp_path / "clean.csv").read_text().splitlines()
    dirty = (tmp_path / "dirty.csv").read_text().splitlines()
    broken = [line for line in dirty if line.startswith("x")]
    assert [line for line in dirty if not line.startswith("x")] == good
    assert len(broken) == round(0.05 * (len(good) - 1))


def test_broken_lines_are_refused_where_no_line_can_be_broken(tmp_path):
    log = ShopLog(users=20, days=7, faults=Faults(bad_rows=0.1))
    with pytest.raises(SettingsFault, match="cannot be written as parquet"):
        log.write(tmp_path / "log.parquet")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"users": 0}, "users"),
        ({"days": 0}, "days"),
        ({"events_target": 0}, "events_target"),
        ({"newcomers": 1.5}, "newcomers"),
        ({"categories": ()}, "categories"),
        ({"languages": (("en", 0.5),)}, "languages"),
    ],
)
def test_a_wrong_size_or_share_is_named(wrong, named):
    with pytest.raises(SettingsFault, match=named):
        ShopLog(**{"users": 10, **wrong})


def test_a_target_below_one_visit_each_is_refused():
    with pytest.raises(SettingsFault, match="events_target"):
        next(ShopLog(users=1000, events_target=1000).batches())


def test_a_language_without_words_is_refused():
    with pytest.raises(SettingsFault, match="has no words in category"):
        next(ShopLog(users=10, languages=(("eo", 1.0),)).batches())


def test_another_format_and_empty_batches_are_refused(tmp_path):
    with pytest.raises(SettingsFault, match="use parquet, csv or ndjson"):
        ShopLog(users=10).write(tmp_path / "log.xlsx", "xlsx")
    with pytest.raises(SettingsFault, match="rows of a batch"):
        next(ShopLog(users=10).batches(0))


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_of_faults_outside_its_range_is_refused(share):
    with pytest.raises(SettingsFault, match=r"faults\.bots"):
        Faults(bots=share)


@settings(max_examples=15, deadline=None)
@given(
    users=st.integers(1, 30),
    days=st.integers(1, 20),
    seed=st.integers(0, 2**32),
    offset=st.floats(-12, 14),
    start=st.dates(date(1990, 1, 1), date(2090, 1, 1)),
)
def test_any_small_log_is_whole(users, days, seed, offset, start):
    log = ShopLog(users=users, days=days, seed=seed, start=start, utc_offset_h=offset)
    found = read(log).to_pandas()
    assert found.user_id.nunique() == users
    assert found["at"].min() >= pd.Timestamp(start)
    assert found["at"].max() < pd.Timestamp(start) + pd.Timedelta(days=days)
