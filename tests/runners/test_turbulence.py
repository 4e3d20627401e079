"""A turbulent run ends where the calm one ends, wherever that is promised; and where it is not, every limit holds."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import numpy as np
import pytest
from tiny_world import TinyWorld, live

from andante import Engine
from andante.runners.replaying import replay
from andante.runners.simulating.engine_policy import EnginePolicy
from andante.runners.simulating.simulate import judged
from andante.runners.simulating.step_policy import StepPolicy
from andante.runners.simulating.turbulence import Faults, TurbulentEngine
from andante.settings import load
from andante.vocabulary.fault import InputFault
from andante.vocabulary.state import USER
from andante.worlds.catalogue import world as catalogued
from andante.worlds.contract import DAY_S
from andante.worlds.loop import live as live_through

SETTINGS = load(
    {
        "pacing": {"default_per_week": 7, "burst": 3, "stale_after": "P3D"},
        "gap": {"minimum": "PT10M"},
        "caps": [{"scope": "global", "limit": 2, "window": "P1D"}, {"scope": "global", "limit": 6, "window": "P7D"}],
        "quiet_hours": {"start": "22:00", "end": "08:00"},
        "log": {"checkpoint_every": 150},
    },
    {},
)
TRANSPARENT = {
    "duplicates": {"duplicates": 0.5},
    "disorder": {"shuffles": True},
    "a retry storm": {"retries": 3},
    "crashes": {"crashes": 0.15},
    "clock steps": {"crashes": 0.1, "clock_step_s": 400 * DAY_S},
    "everything at once": {
        "duplicates": 0.3,
        "shuffles": True,
        "retries": 2,
        "crashes": 0.15,
        "clock_step_s": 30 * DAY_S,
    },
}
OPAQUE = {
    "late": {"late_s": 2 * DAY_S},
    "lost": {"lost_outcomes": 0.4},
    "skewed": {"skew_s": 3 * 3600},
    "everything at once": {
        "late_s": DAY_S,
        "lost_outcomes": 0.2,
        "skew_s": 3600,
        "duplicates": 0.3,
        "shuffles": True,
        "crashes": 0.2,
        "retries": 1,
        "clock_step_s": DAY_S,
    },
}
BOUND = 1e-5
"""Of promise 6: sums added in another order are the same within one part in a hundred thousand."""

POSITION = {"position"}
"""The number of a user's last record: events that came in another order have other numbers."""


def world():
    return TinyWorld(users=10, weeks=1, asks_per_day=2.5)


def lived(path, opens=None):
    """Live through the world with an engine on a file; return the world, the users' records by id, and the weather."""
    more = {} if opens is None else {"opens": opens}
    with EnginePolicy(path, SETTINGS, **more) as policy:
        there = live(world(), policy)
        weather = policy.engine
    with Engine.open(path, SETTINGS) as engine:
        population = engine._desk.population
        return there, {user: population.users[row].copy() for row, user in enumerate(population.ids)}, weather


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    return lived(tmp_path_factory.mktemp("calm") / "calm.db")


@pytest.mark.parametrize("name", TRANSPARENT)
def test_what_may_change_nothing_changes_nothing(name, calm, tmp_path):
    there, users, _ = calm
    faults = Faults(seed=3, **TRANSPARENT[name])
    assert faults.transparent
    turbulent, held, weather = lived(tmp_path / "turbulent.db", TurbulentEngine.of(faults))
    assert turbulent.sent == there.sent
    for column, values in there.columns.items():
        np.testing.assert_array_equal(turbulent.columns[column], values, err_msg=column)
    np.testing.assert_array_equal(turbulent.value, there.value)
    assert_same(users, held, exact=not faults.shuffles)
    assert happened(faults, weather)
    assert replay(tmp_path / "turbulent.db").exact


def test_a_turbulent_half_month_in_the_reference_world_has_the_metrics_of_the_calm_one(tmp_path):
    figures = []
    for name, faults in {"calm": Faults(), "turbulent": Faults(seed=11, **TRANSPARENT["everything at once"])}.items():
        with EnginePolicy(tmp_path / f"{name}.db", SETTINGS, opens=TurbulentEngine.of(faults)) as policy:
            lived_there = live_through(catalogued("reference", 20, 2, 5), policy)
        figures.append(judged(lived_there))
        assert lived_there.sends.sum() > 50
    assert figures[0] == figures[1]


@pytest.mark.parametrize("name", OPAQUE)
def test_what_may_change_decisions_breaks_no_limit_and_loses_nothing(name, calm, tmp_path):
    faults, path = Faults(seed=5, **OPAQUE[name]), tmp_path / "turbulent.db"
    assert not faults.transparent
    turbulent, _, weather = lived(path, TurbulentEngine.of(faults))
    assert turbulent.sent != calm[0].sent
    assert len(turbulent.sent) > len(calm[0].sent) / 3
    assert replay(path).exact
    assert happened(faults, weather)
    with closing(sqlite3.connect(path)) as log:
        keep_caps(log)
        keep_quiet(log)
        # What was told and not lost is in the log, once.
        events = log.execute("SELECT count(*), count(DISTINCT event_id) FROM events").fetchone()
        assert events[0] == events[1] == turbulent.columns["visits"].sum()
        twice = "SELECT count(*) FROM (SELECT 1 FROM outcomes GROUP BY decision_id, type HAVING count(*) > 1)"
        assert log.execute(twice).fetchone() == (0,)
        sends = {int(name) for (name,) in log.execute("SELECT candidate_id FROM sends")}
    assert turbulent.sent.keys() <= sends


def test_late_records_end_in_the_state_of_the_calm_run_where_no_decision_hung_on_them(tmp_path):
    """With nothing left to learn from, decisions cannot differ; what arrives days late is then added all the same."""
    deaf = load({**SETTINGS.model_dump(mode="json"), "caps": [{"scope": "global", "limit": 1, "window": "PT1H"}]}, {})
    ends = []
    for name, faults in {"calm": Faults(), "late": Faults(late_s=5 * DAY_S, shuffles=True, duplicates=0.4)}.items():
        events = [event for tick in world().ticks() for event in tick.events]
        told = [
            {"event_id": f"e{n}", "user_id": f"user-{event['user']}", "type": "view", "at": at(event["at_s"])}
            for n, event in enumerate(events)
        ]
        weather = TurbulentEngine(tmp_path / f"{name}.db", deaf, faults)
        for user in range(10):
            weather.set_preferences(f"user-{user}", {"consent": {"push": True}, "at": at(world().crowd.start_s)})
        for place in range(0, len(told), 7):
            weather.release(told[place]["at"])
            weather.ingest(told[place : place + 7])
        weather.close()
        with Engine.open(tmp_path / f"{name}.db", deaf) as engine:
            ends.append(
                {
                    user: engine._desk.population.users[row].copy()
                    for row, user in enumerate(engine._desk.population.ids)
                }
            )
    assert_same(*ends, exact=False)


def test_an_answer_that_is_not_the_first_one_is_a_fault(tmp_path):
    weather = TurbulentEngine(tmp_path / "shop.db", SETTINGS, Faults(retries=1))
    weather.set_preferences("ann", {"consent": {"push": True}})
    candidate = {"candidate_id": "c", "category": "promotion", "channel": "push"}
    keyless = {"user_id": "ann", "candidates": [candidate], "at": at(world().crowd.start_s)}
    with pytest.raises(InputFault, match="repeated"):
        weather.decide([keyless])
    weather.close()


def test_calm_weather_is_the_engine_itself(calm, tmp_path):
    there, users, weather = lived(tmp_path / "mild.db", TurbulentEngine.of(Faults()))
    assert there.sent == calm[0].sent
    assert (weather.crashes, weather.repeats, weather.doubles, weather.late, weather.lost) == (0, 0, 0, 0, 0)
    assert {user: record.tobytes() for user, record in users.items()} == {u: r.tobytes() for u, r in calm[1].items()}


def test_the_calm_engine_on_a_file_decides_as_the_fast_simulation_does(calm):
    assert live(world(), StepPolicy(SETTINGS)).sent == calm[0].sent


def assert_same(one, other, *, exact):
    assert one.keys() == other.keys()
    for user, record in one.items():
        for field in set(USER.names) - (set() if exact else POSITION):
            a, b = (np.asarray(held[field], np.float64) for held in (record, other[user]))
            np.testing.assert_allclose(
                b, a, rtol=0 if exact else BOUND, atol=0, equal_nan=True, err_msg=f"{user} {field}"
            )


def happened(faults, weather):
    """Tell whether every fault that was asked for has struck."""
    struck = {
        "crashes": weather.crashes,
        "retries": weather.repeats,
        "duplicates": weather.doubles,
        "late_s": weather.late,
        "lost_outcomes": weather.lost,
    }
    return all(count > 5 for name, count in struck.items() if getattr(faults, name))


def keep_caps(log):
    """Of all sends in the log, none is the third within a day or the seventh within a week of the user's clock."""
    rows = log.execute("SELECT user_id, unixepoch(send_at) FROM sends ORDER BY 2").fetchall()
    for user in {user for user, _ in rows}:
        times = np.array([at_s for one, at_s in rows if one == user])
        for window_s, limit in ((DAY_S, 2), (7 * DAY_S, 6)):
            assert all(((times > at_s - window_s) & (times <= at_s)).sum() <= limit for at_s in times)


def keep_quiet(log):
    offsets = {f"user-{user}": offset for user, offset in enumerate(world().crowd.offset_s.tolist())}
    for user, at_s in log.execute("SELECT user_id, unixepoch(send_at) FROM sends"):
        assert 8 * 3600 <= (at_s + offsets[user]) % DAY_S < 22 * 3600


def at(at_s):
    return datetime.fromtimestamp(int(at_s), UTC)
