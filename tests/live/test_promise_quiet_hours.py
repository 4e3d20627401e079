"""Promise 7: nothing goes out in quiet hours, in any zone there is, over gaps and folds, and asked again at release."""

from datetime import UTC, datetime, time, timedelta
from importlib.resources import files

import pytest
from model import DAY_S, US, Model, Policy, Push, changes, hours, inside, local, micros, moment, offset
from promise_desk import ASKED, Judge, entries, settings_of, warm

from andante import Engine

ZONES = tuple(files("tzdata").joinpath("zones").read_text("utf-8").split())
QUIET = hours("22:00", "08:00")
CANDIDATE = {"candidate_id": "c", "category": "promotion", "channel": "push"}
FIRST_YEAR, LAST_YEAR = 2025, 2027
USUAL = int(datetime(2026, 5, 4, 12, tzinfo=UTC).timestamp())
SHARES = 4


def dial(minutes):
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"


def hours_around(zone, change):
    """Return hours that end in the middle of what a change of clocks skips or repeats."""
    one, other = (local(zone, s * US) for s in (change - 1, change))
    at = [(t.hour * 60 + t.minute) for t in (one, other)]
    middle = (min(at) + (max(at) - min(at)) // 2) % 1440 if abs(at[0] - at[1]) < 720 else 0
    return {"start": dial(middle - 45), "end": dial(middle)}


@pytest.mark.parametrize("share", range(SHARES))
def test_no_zone_lets_a_push_out_in_quiet_hours(share):
    """Each zone is a user, asked around its last changes of clocks, with hours of its own and with the shop's."""
    policy = Policy(quiet=QUIET)
    judge = Judge(Model(policy), rules_alone=True)
    asked = 0
    with Engine.open(":memory:", settings_of(policy, alone=True)) as engine:
        for zone in ZONES[share::SHARES]:
            for change in changes(zone, FIRST_YEAR, LAST_YEAR)[-2:] or (USUAL,):
                for own in (None, hours_around(zone, change)):
                    asked += 1
                    user, wishes = f"{zone} {asked}", {"consent": {"push": True}, "time_zone": zone}
                    wishes |= {} if own is None else {"quiet_hours": own}
                    engine.set_preferences(user, {**wishes, "at": moment((change - 2 * DAY_S) * US)})
                    judge.model.prefer(user, wishes)
                    ends = [change + more for more in (-DAY_S, -5000, -1, 0, 1, 1799, 3600, 5400, 9000, DAY_S)]
                    requests = [
                        {"user_id": user, "candidates": [CANDIDATE], "at": moment(s * US)} for s in sorted(ends)
                    ]
                    engine.decide(requests)
        names = {number: user for user, number in numbers(engine).items()}
        for entry in entries(engine):
            if entry.kind in ASKED:
                judge.check(names[entry.user], entry, [CANDIDATE], str(entry.position))
    assert judge.judged > 2 * len(ZONES[share::SHARES])


def numbers(engine):
    return {user: engine._desk.population.row(user) for user in engine._desk.population.ids}


@pytest.mark.parametrize(
    ("zone", "day", "quiet", "closed"),
    [
        # 2026-03-29, Berlin: 02:00 to 03:00 is skipped. Hours that lie in the gap never come.
        ("Europe/Berlin", "2026-03-29", ("02:10", "02:50"), []),
        # Their end is skipped: they are over at the jump, 01:00 UTC.
        ("Europe/Berlin", "2026-03-29", ("01:30", "02:30"), [("00:30", "01:00")]),
        # Their start is skipped: they begin at the jump.
        ("Europe/Berlin", "2026-03-29", ("02:30", "03:30"), [("01:00", "01:30")]),
        # 2026-10-25, Berlin: 02:00 to 03:00 comes twice, and so do hours that lie in it.
        ("Europe/Berlin", "2026-10-25", ("02:10", "02:50"), [("00:10", "00:50"), ("01:10", "01:50")]),
        # Lord Howe's clocks fall by half an hour, 2026-04-05 at 15:00 UTC of the day before.
        ("Australia/Lord_Howe", "2026-04-04", ("01:30", "02:00"), [("14:30", "15:30")]),
        # Troll's clocks jump by two hours.
        ("Antarctica/Troll", "2026-03-29", ("01:30", "02:30"), []),
    ],
)
def test_hours_in_a_gap_never_come_and_hours_in_a_fold_come_twice(zone, day, quiet, closed):
    start, end = quiet
    midnight = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    minutes = [midnight + timedelta(minutes=m) for m in range(24 * 60)]
    policy = Policy(transactional=frozenset({"receipt"}))  # which wait for quiet hours alone
    receipt = CANDIDATE | {"category": "receipt"}
    with Engine.open(":memory:", settings_of(policy)) as engine:
        wishes = {"consent": {"push": True}, "time_zone": zone, "quiet_hours": {"start": start, "end": end}}
        engine.set_preferences("ann", {**wishes, "at": midnight})
        answers = engine.decide([{"user_id": "ann", "candidates": [receipt], "at": minute} for minute in minutes])
    clocks = [f"{minute:%H:%M}" for minute in minutes]
    shut = {clock for clock, answer in zip(clocks, answers, strict=True) if answer.action != "send"}
    # The same hours of the next night may begin on this day of UTC: only those around the change are named.
    assert {clock for clock in shut if clock < "20:00"} == {
        c for c in clocks for begin, over in closed if begin <= c < over
    }


def test_a_deferred_push_is_asked_again_in_the_zone_that_its_user_is_in_by_then():
    policy = Policy(quiet=QUIET)
    night_in_berlin = datetime(2026, 5, 4, 22, tzinfo=UTC)
    with Engine.open(":memory:", settings_of(policy, alone=True)) as engine:
        warm(engine, ["ann"], night_in_berlin)
        engine.set_preferences("ann", {"consent": {"push": True}, "time_zone": "Europe/Berlin", "at": night_in_berlin})
        (deferred,) = engine.decide([{"user_id": "ann", "candidates": [CANDIDATE], "at": night_in_berlin}])
        assert deferred.action == "defer"
        assert deferred.send_at >= datetime(2026, 5, 5, 6, tzinfo=UTC)
        engine.set_preferences("ann", {"time_zone": "America/Los_Angeles", "at": night_in_berlin})
        due = max(deferred.send_at, datetime(2026, 5, 5, 6, 30, tzinfo=UTC))  # 23:30 in Los Angeles
        (released,) = engine.release(due)
        assert released.decision.action == "defer"
        assert not inside(QUIET, "America/Los_Angeles", micros(released.decision.send_at))
        (at_last,) = engine.release(released.decision.send_at)
        assert at_last.decision.action == "send"
        assert local("America/Los_Angeles", micros(at_last.decision.send_at)).time() >= time(8)


@pytest.mark.parametrize(
    "change", [{"quiet_hours": {"start": "06:00", "end": "20:00"}}, {"paused_until": "2026-05-09T00:00:00Z"}]
)
def test_a_deferred_push_is_asked_again_with_the_hours_that_its_user_wants_by_then(change):
    night = datetime(2026, 5, 4, 23, tzinfo=UTC)
    with Engine.open(":memory:", settings_of(Policy(quiet=QUIET), alone=True)) as engine:
        warm(engine, ["ann"], night)
        engine.set_preferences("ann", {"consent": {"push": True}, "at": night})
        (deferred,) = engine.decide([{"user_id": "ann", "candidates": [CANDIDATE], "at": night}])
        engine.set_preferences("ann", {**change, "at": night})
        (released,) = engine.release(deferred.send_at)
        assert released.decision.action == "defer"
        assert released.decision.send_at > deferred.send_at


def test_pushes_that_wait_for_the_morning_do_not_all_go_out_at_once():
    night = datetime(2026, 5, 4, 23, tzinfo=UTC)
    users = [f"user-{n}" for n in range(200)]
    with Engine.open(":memory:", settings_of(Policy(quiet=QUIET), alone=True, spread="PT1H")) as engine:
        warm(engine, users, night)
        for user in users:
            engine.set_preferences(user, {"consent": {"push": True}, "at": night})
        answers = engine.decide([{"user_id": user, "candidates": [CANDIDATE], "at": night} for user in users])
    morning = datetime(2026, 5, 5, 8, tzinfo=UTC)
    due = [answer.send_at for answer in answers]
    assert all(morning <= at <= morning + timedelta(hours=1) for at in due)
    assert max(due.count(at) for at in set(due)) < 10


def test_the_models_zones_and_those_of_the_package_are_the_same_ones():
    assert len(ZONES) > 590
    assert offset("Pacific/Kiritimati", USUAL) == timedelta(hours=14)
    assert not Model(Policy(quiet=QUIET)).refusals("ann", Push("promotion", "push"), 0) - {
        "consent_channel",
        "quiet_hours",
    }
