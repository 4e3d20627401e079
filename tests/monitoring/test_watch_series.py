"""What the watch tells of a log agrees with what its views say, however and whenever it was read."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import msgspec
import pytest
from watched import CONFIG, DAY, HOUR, MONDAY, OneGroup, OneSurvey, a_day, consented, sale, us

from andante import Engine
from andante.monitoring.watch import Watch
from andante.vocabulary.fault import InputFault, NotEnoughData
from andante.vocabulary.flow import Kind

USERS = [f"user-{number}" for number in range(60)]
WEEK_S = 7 * 86_400


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Return a log of nine days, and its counts as a watch saw them that looked after each of the days."""
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    always = Watch(path, rows_a_look=97)
    with Engine.open(path, CONFIG) as engine:
        consented(engine, USERS, MONDAY - 10 * DAY)
        for day in range(9):
            at = MONDAY + day * DAY
            a_day(engine, USERS, at, campaign="spring" if day < 5 else "summer")
            engine.release(at + 3 * HOUR)
            if day == 6:
                engine.switch("campaign:spring", on=True)
            while always.look(us(at + 4 * HOUR)):
                pass
    return path, always


NOW = MONDAY + 8 * DAY + 4 * HOUR


def asked(path, query):
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as log:
        return log.execute(query).fetchall()


def read_now(path, **given):
    watch = Watch(path, **given)
    while watch.look(us(NOW)):
        pass
    return watch


def test_a_series_counts_what_the_views_of_the_log_say(shop):
    path, _ = shop
    series = read_now(path).series(10 * 86_400)
    of = dict(asked(path, "SELECT action, count(*) FROM decisions GROUP BY action"))
    assert [sum(series.sends), sum(series.defers), sum(series.suppresses)] == [
        of.get(action, 0) for action in ("send", "defer", "suppress")
    ]
    assert sum(series.decisions) == sum(of.values())
    came = dict(asked(path, "SELECT type, count(*) FROM outcomes GROUP BY type"))
    assert sum(series.opens) == came["opened"] > 0
    assert sum(series.optouts) == sum(series.unsubscribed) == came["unsubscribed"] > 0
    assert sum(series.not_interested) == came["not_interested"] > 0
    assert sum(series.value) == pytest.approx(12.5 * came["converted"])
    assert sum(series.purchases) == asked(path, "SELECT count(*) FROM events WHERE type = 'purchase'")[0][0]
    assert sum(series.cost) == pytest.approx(0.01 * of["send"])
    assert sum(series.explored) == asked(path, "SELECT count(*) FROM decisions WHERE explored")[0][0]


def test_sends_are_told_apart_by_channel_category_and_campaign(shop):
    path, _ = shop
    series = read_now(path).series(10 * 86_400)
    by = dict(asked(path, "SELECT category, count(*) FROM sends GROUP BY category"))
    assert {name: sum(sends) for name, sends in series.categories.items()} == by
    by = dict(asked(path, "SELECT campaign_id, count(*) FROM sends WHERE campaign_id NOT NULL GROUP BY campaign_id"))
    assert {name: sum(sends) for name, sends in series.campaigns.items()} == by
    assert set(by) == {"spring", "summer"}
    assert sum(series.channels["push"]) == sum(series.sends)


def test_one_that_looked_all_the_time_says_what_one_says_that_is_opened_at_the_end(shop):
    path, always = shop
    always.look(us(NOW))
    late = read_now(path)
    for span_s in (3 * 3_600, 86_400, WEEK_S, 10 * 86_400):
        assert always.series(span_s) == late.series(span_s)
        assert always.reasons(span_s) == late.reasons(span_s)
        assert always.campaigns(span_s) == late.campaigns(span_s)
    assert always.alarms(us(NOW)) == late.alarms(us(NOW))
    assert always.drift() == late.drift()
    assert always.lift(us(NOW)) == late.lift(us(NOW))
    assert always.fairness(us(NOW)) == late.fairness(us(NOW))


def test_a_history_that_is_shorter_than_the_log_is_the_same_for_both_too(tmp_path):
    path, seen = tmp_path / "shop.db", {"history_s": 3 * 86_400, "rows_a_look": 150}
    always = Watch(path, **seen)
    with Engine.open(path, CONFIG) as engine:
        consented(engine, USERS, MONDAY - 10 * DAY)
        for day in range(9):
            a_day(engine, USERS, MONDAY + day * DAY, campaign=f"day-{day}")
            while always.look(us(MONDAY + day * DAY + 4 * HOUR)):
                pass
    late = read_now(path, **seen)
    assert always.series(WEEK_S) == late.series(WEEK_S)
    assert always.campaigns(WEEK_S) == late.campaigns(WEEK_S)
    assert {one.campaign_id for one in late.campaigns(WEEK_S)} <= {"day-6", "day-7", "day-8"}


def test_the_first_look_does_not_read_what_is_older_than_the_history(tmp_path, monkeypatch):
    monkeypatch.setattr("andante.monitoring.tail.SPAN", 200)
    path = tmp_path / "shop.db"
    with Engine.open(path, CONFIG) as engine:
        consented(engine, USERS, MONDAY - 10 * DAY)
        for day in range(9):
            a_day(engine, USERS, MONDAY + day * DAY)
    watch = Watch(path, history_s=2 * 86_400, rows_a_look=10_000)
    watch.look(us(NOW))
    whole = Watch(path, rows_a_look=10_000)
    whole.look(us(NOW))
    assert watch._began_after > 0
    assert sum(watch.series(86_400).decisions) == sum(whole.series(86_400).decisions) > 0
    assert sum(watch.series(86_400).cost) == sum(whole.series(86_400).cost) > 0


def test_a_look_reads_no_more_rows_than_it_may_and_says_whether_there_are_more(shop):
    path, _ = shop
    (rows,) = asked(path, "SELECT count(*) FROM log")[0]
    watch = Watch(path, rows_a_look=rows - 1)
    assert watch.look(us(NOW))
    assert not watch.look(us(NOW))
    assert not watch.look(us(NOW))


def test_reasons_say_why_nothing_was_sent(shop):
    path, _ = shop
    held = "SELECT reason, count(*) FROM decisions WHERE action <> 'send' GROUP BY reason"
    found = read_now(path).reasons(10 * 86_400)
    assert found == dict(asked(path, held))
    assert found["holdout"] > 0
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_a_campaign_has_what_came_of_its_own_pushes_whenever_it_came(shop):
    path, _ = shop
    watch = read_now(path)
    last = watch.campaigns(10 * 86_400)
    assert [one.campaign_id for one in last] == ["spring", "summer"]
    of = """SELECT campaign_id, count(DISTINCT decision_id), sum(type = 'opened'), sum(type = 'unsubscribed')
FROM sends LEFT JOIN outcomes USING (decision_id) WHERE campaign_id NOT NULL GROUP BY 1 ORDER BY 1"""
    assert [(one.campaign_id, one.sends, one.opens, one.optouts) for one in last] == asked(path, of)
    assert last[0].optouts_per_1000 == pytest.approx(1_000 * last[0].optouts / last[0].sends)


def test_the_columns_of_a_series_are_of_equal_length_and_survive_json(shop):
    path, _ = shop
    for span_s, buckets, bucket_s in ((3_600, 60, 60), (86_400, 60, 1_440), (WEEK_S, 7, 86_400), (90, 60, 60)):
        series = read_now(path).series(span_s, buckets)
        assert series.bucket_s == bucket_s
        told = msgspec.json.decode(msgspec.json.encode(series))
        lengths = {len(told[name]) for name in told if isinstance(told[name], list) and name != "plan_histogram"}
        assert lengths == {len(series.at)}
        assert series.at[-1] <= series.until < series.at[-1] + (DAY * bucket_s / 86_400)


def test_a_span_that_cannot_be_is_refused(shop):
    path, _ = shop
    with pytest.raises(InputFault, match="0 s in 60 buckets"):
        Watch(path).series(0)


def test_before_the_first_look_nothing_is_known(shop):
    path, _ = shop
    watch = Watch(path)
    assert watch.reasons(3_600) == {}
    with pytest.raises(NotEnoughData, match="let it look first"):
        watch.alarms(us(NOW))


def test_a_record_from_a_far_future_does_not_wipe_out_the_present(tmp_path):
    path = tmp_path / "shop.db"
    with Engine.open(path, CONFIG) as engine:
        consented(engine, USERS, MONDAY - 10 * DAY)
        a_day(engine, USERS, MONDAY)
        engine.ingest([{"user_id": "user-1", "type": "view", "at": MONDAY + 3_000 * DAY}])
        a_day(engine, USERS[30:], MONDAY + 2 * HOUR)
    watch = Watch(path)
    watch.look(us(MONDAY + 4 * HOUR))
    series = watch.series(86_400)
    assert sum(series.decisions) == 90
    assert sum(series.events) == asked(path, "SELECT count(*) FROM events WHERE at < '2030'")[0][0]


def test_a_log_that_takes_the_place_of_another_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "shop.db"
    watch = Watch(path)
    for days in (3, 1):
        for old in tmp_path.iterdir():
            old.unlink()
        with Engine.open(path, CONFIG) as engine:
            consented(engine, USERS, MONDAY - 10 * DAY)
            for day in range(days):
                a_day(engine, USERS, MONDAY + day * DAY)
        watch.look(us(MONDAY + 2 * DAY))
        assert sum(watch.series(WEEK_S).decisions) == 60 * days


def test_more_campaigns_than_are_told_apart_are_counted_together(tmp_path):
    path = tmp_path / "shop.db"
    with Engine.open(path, CONFIG | {"experiment": {"holdout": 0.0}}) as engine:
        users = [f"u{number}" for number in range(300)]
        consented(engine, users, MONDAY - 10 * DAY)
        engine.decide([{"user_id": user, "candidates": [sale(f"c-{user}")], "at": MONDAY} for user in users])
    watch = Watch(path)
    watch.look(us(MONDAY + HOUR))
    told = watch.campaigns(86_400)
    assert sum(one.sends for one in told) == sum(watch.series(86_400).sends) > 256
    assert told[-1].campaign_id == "(others)"
    assert len(told) == 257


def test_the_memory_of_the_counts_is_what_is_said_and_does_not_grow(shop):
    path, always = shop
    assert always.nbytes == read_now(path).nbytes < 31e6


def test_a_look_leaves_the_write_ahead_log_free_to_start_over(tmp_path):
    path = tmp_path / "shop.db"
    watch = Watch(path)
    with Engine.open(path, CONFIG) as engine:
        consented(engine, USERS, MONDAY - 10 * DAY)
        a_day(engine, USERS, MONDAY)
        watch.look(us(MONDAY))
        with closing(sqlite3.connect(path)) as other:
            busy, pages, moved = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (busy, pages, moved) == (0, 0, 0)


def test_surveys_stand_in_the_bucket_of_their_time(shop):
    path, _ = shop
    watch = read_now(path)
    watch.note(OneSurvey(NOW - 2 * HOUR, groups=(OneGroup(plan_mean=2.0),)))
    watch.note(OneSurvey(NOW, groups=(OneGroup(plan_mean=3.0),)))
    series = watch.series(3 * 3_600, 3)
    assert series.plan_mean == (2.0, None, 3.0)
    assert series.users_reachable == (6, None, 6)
    assert series.plan_histogram == (1, 2, 3)
    assert watch.series(WEEK_S, 7).plan_mean == (*[None] * 6, 3.0)


def test_a_budget_that_the_settings_say_is_held_against_what_went_out(tmp_path):
    for budget, kinds in ((0.5, ["budget"]), (14.0, [])):
        path = tmp_path / f"{budget}.db"
        with Engine.open(path, CONFIG | {"budget": {"per_user_week": budget}}) as engine:
            consented(engine, USERS, MONDAY - 10 * DAY)
            for day in range(3):
                a_day(engine, USERS, MONDAY + day * DAY, campaign=f"day-{day}")
        watch = Watch(path)
        watch.look(us(MONDAY + 2 * DAY + HOUR))
        assert [alarm.kind for alarm in watch.alarms(us(MONDAY + 2 * DAY + HOUR))] == kinds


def test_a_survey_of_a_live_engine_is_noted_as_it_is_taken_also_before_the_first_look(tmp_path):
    with Engine.open(tmp_path / "shop.db", CONFIG) as engine:
        consented(engine, USERS, MONDAY - 10 * DAY)
        engine.publish([{"user_id": user, "plan_per_week": 5.0} for user in USERS])
        a_day(engine, USERS, MONDAY)
        watch = Watch(tmp_path / "shop.db")
        watch.note(engine.inspection.survey(MONDAY + HOUR))
        watch.look(us(MONDAY + HOUR))
    series = watch.series(3_600, 1)
    assert series.plan_mean == (5.0,)
    assert series.users_reachable == (59,)  # one unsubscribed
    assert sum(series.plan_histogram) == 60


NO_PUSH = '{"decision": {"chosen": -7, "reason": 1}}'


@pytest.mark.parametrize("damage", ["'{'", "'[]'", f"'{NO_PUSH}'", "json_remove(body, '$.decision.reason')"])
def test_a_record_that_nobody_can_read_costs_its_own_count_alone(shop, tmp_path, damage):
    path = tmp_path / "copy.db"
    with closing(sqlite3.connect(shop[0])) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
        (sends,) = copy.execute("SELECT count(*) FROM decisions WHERE action = 'send'").fetchone()
        first, last = copy.execute(
            "SELECT min(position), max(position) FROM log WHERE position IN"
            " (SELECT position FROM decisions WHERE action = 'send')"
        ).fetchone()
        copy.execute(f"UPDATE log SET body = {damage} WHERE position IN (?, ?)", (first, last))
        copy.commit()
    assert sum(read_now(path).series(10 * 86_400).sends) == sends - 2


@pytest.mark.parametrize("kind", [Kind.EVENT, Kind.OUTCOME, Kind.PARAMETERS])
def test_a_record_of_any_kind_that_nobody_can_read_stops_no_look(shop, tmp_path, kind):
    path = tmp_path / "copy.db"
    with closing(sqlite3.connect(shop[0])) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
        copy.execute("UPDATE log SET body = '{' WHERE kind = ?", (int(kind),))
        copy.commit()
    whole, left = (read_now(one).series(10 * 86_400) for one in (shop[0], path))
    assert left.decisions == whole.decisions
    assert (sum(whole.events), sum(whole.opens)) > (0, 0)
    assert (sum(left.events) == 0) is (kind is Kind.EVENT)
    assert (sum(left.opens) == 0) is (kind is Kind.OUTCOME)
