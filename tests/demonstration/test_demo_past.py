"""A demonstration never touches a log of somebody's own, and goes on in its own where it was."""

import subprocess
from pathlib import Path

import pytest
from demo_desk import ANDANTE

from andante import Engine
from andante.demonstration.past import file_of, keep, past_of
from andante.vocabulary.fault import InputFault, StoreUnreadable

WALL_US = 1_800_000_000_000_000
DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000


def of(path, *users, at="2027-03-01T12:00:00Z"):
    """Make a log with these users; return its name."""
    with Engine.open(path) as engine:
        for user in users:
            engine.set_preferences(user, {"consent": {"push": True}, "at": at})
        return engine.log_name


def test_a_new_file_begins_the_next_morning_and_never_before_the_wall(tmp_path):
    past = past_of(tmp_path / "new.db", WALL_US)
    assert 0 <= past.start_us - WALL_US < DAY_US
    assert past.start_us % DAY_US == 8 * HOUR_US
    assert (past.life, past.known, past.gone) == (0, (), ())


def test_a_log_without_users_counts_as_new(tmp_path):
    of(tmp_path / "empty.db")
    assert past_of(tmp_path / "empty.db", WALL_US).life == 0
    (tmp_path / "nothing.db").touch()
    assert past_of(tmp_path / "nothing.db", WALL_US).life == 0


@pytest.mark.parametrize("user", ["ann", "shopper-007"])
def test_a_log_with_users_that_no_demonstration_made_is_refused(tmp_path, user):
    of(tmp_path / "shop.db", user)
    with pytest.raises(InputFault, match="no demonstration made it: give --demo a file of its own"):
        past_of(tmp_path / "shop.db", WALL_US)


def test_the_file_of_another_demonstration_opens_nothing(tmp_path):
    of(tmp_path / "shop.db", "ann")
    keep(tmp_path / "shop.db", "abcdef", 3, WALL_US)
    with pytest.raises(InputFault, match="no demonstration made it"):
        past_of(tmp_path / "shop.db", WALL_US)


def test_it_goes_on_no_earlier_than_its_shoppers_its_file_and_the_wall(tmp_path):
    db = tmp_path / "demo.db"
    name = of(db, "shopper-001", "ann", at="2027-03-01T12:00:00Z")
    shopper_us = 1_803_902_400_000_000
    keep(db, name, 4, shopper_us - HOUR_US)
    past = past_of(db, WALL_US)
    assert (past.start_us, past.life, past.known) == (shopper_us + 1, 4, ("shopper-001",))
    keep(db, name, 4, shopper_us + HOUR_US)
    assert past_of(db, WALL_US).start_us == shopper_us + HOUR_US
    assert past_of(db, shopper_us + DAY_US).start_us == shopper_us + DAY_US


def test_what_others_say_of_the_far_future_does_not_move_it(tmp_path):
    db = tmp_path / "demo.db"
    keep(db, of(db, "ann", at="2099-01-01T00:00:00Z"), 1, WALL_US)
    assert past_of(db, WALL_US).start_us == WALL_US


def test_who_has_left_stays_away(tmp_path):
    db = tmp_path / "demo.db"
    with Engine.open(db) as engine:
        for user in ("shopper-001", "shopper-002"):
            engine.set_preferences(user, {"consent": {"push": user == "shopper-001"}})
        keep(db, engine.log_name, 1, WALL_US)
    assert past_of(db, WALL_US).gone == ("shopper-002",)


def test_a_damaged_file_is_one_clear_fault(tmp_path):
    db = tmp_path / "demo.db"
    of(db, "shopper-001")
    file_of(db).write_text("{")
    with pytest.raises(StoreUnreadable, match="begin anew with another --db"):
        past_of(db, WALL_US)


def test_the_command_refuses_in_one_line_and_leaves_the_file_alone(tmp_path):
    db = tmp_path / "shop.db"
    of(db, "ann")
    before = db.read_bytes()
    done = subprocess.run([*ANDANTE, "serve", "--db", str(db), "--demo"], capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "no demonstration made it" in done.stderr
    assert db.read_bytes() == before
    assert {Path(found).name for found in tmp_path.iterdir()} <= {
        "shop.db",
        "shop.db.lock",
        "shop.db-wal",
        "shop.db-shm",
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--demo", "--speed", "-1"], "speed (-1) is not within 0 and 14400"),
        (["--speed", "60"], "--speed (60) is for --demo alone"),
    ],
)
def test_a_speed_that_cannot_be_is_one_clear_line(tmp_path, options, said):
    command = [*ANDANTE, "serve", "--db", str(tmp_path / "demo.db"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []
