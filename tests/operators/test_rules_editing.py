"""An edit of the rules is checked, binds the very next decision, and is refused where it is wrong or too late."""

from __future__ import annotations

import os
import tomllib

import pytest
from books_desk import NOON, books, engine_of

from andante import Engine
from andante.operators.rules import PREVIOUS, Rules
from andante.settings import load
from andante.vocabulary.fault import Conflict, Fault, SettingsFault, StoreFault

TEXT = """# our rules
[[caps]]
scope = "global"
limit = 3
window = "P1D"   # a day

[gap]
minimum = "PT0S"

[experiment]
holdout = 0.0
explore = 0.0

[pacing]
default_per_week = 168.0
most_per_week = 168.0
burst = 32.0
patience = 0.0
floor = 0.0
temperature = 0.0
explore_candidates = 0.0
refusal_loss_pushes = 0.0
"""
EDITED = TEXT.replace("limit = 3", "limit = 1")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "andante.toml"
    path.write_text(TEXT, "utf-8")
    path.chmod(0o640)
    return path


@pytest.fixture
def desk(tmp_path, file):
    """An engine that was opened with a file, its books, and its rules."""
    with engine_of(["ann"], tmp_path / "shop.db", load(file, {})) as engine, books(tmp_path, engine) as opened:
        yield engine, opened, Rules(engine, opened, file, {})


def push(engine, n):
    asked = {"candidate_id": f"c{n}", "category": "promotion", "channel": "push", "item_id": f"i{n}"}
    return engine.decide([{"user_id": "ann", "candidates": [asked], "at": NOON}])[0]


def test_an_edit_binds_the_very_next_decision_and_is_written(desk, file):
    engine, opened, rules = desk
    assert push(engine, 1).action == "send"
    before, token = engine.policy_version, rules.read().token
    applied = rules.apply("ann", EDITED, token)
    assert push(engine, 2).reasons[0] == "cap_global"
    assert (file.read_text("utf-8"), file.stat().st_mode & 0o777) == (EDITED, 0o640)
    assert file.with_name(file.name + PREVIOUS).read_text("utf-8") == TEXT
    assert applied.policy_version == engine.policy_version != before
    entry = opened.audit.entries()[0]
    assert (entry.number, entry.who, entry.action, entry.refused) == (applied.entry, "ann", "rules.apply", None)
    assert entry.detail["changes"] == {"caps[global per P1D].limit": [3, 1]}
    assert sorted(path.name for path in file.parent.glob("*andante.toml*")) == ["andante.toml", "andante.toml.previous"]


def test_a_check_says_what_would_change_and_does_nothing(desk, file):
    engine, opened, rules = desk
    policy = engine.policy_version
    found = rules.check(EDITED + "[duplicates]\nwindow = 'P1D'\n")
    assert (found.holds, found.faults) == (True, ())
    assert [(one.key, one.before, one.after) for one in found.changes] == [
        ("caps[global per P1D].limit", 3, 1),
        ("duplicates.window", "P7D", "P1D"),
    ]
    assert all(one.meaning and one.form for one in found.changes)
    assert ("-limit = 3" in found.diff, "+limit = 1" in found.diff) == (True, True)
    assert rules.check(TEXT).changes == rules.check(TEXT).diff == ()
    assert (engine.policy_version, file.read_text("utf-8"), opened.audit.entries()) == (policy, TEXT, [])


WRONG = [
    ("[[caps]\n", "is not valid TOML"),
    (TEXT.replace("limit = 3", "limit = 0"), "caps[0].limit (0) is below 1"),
    (TEXT.replace("[gap]", "[gapp]"), "did you mean gap?"),
    (TEXT + "[engine]\nseed = 8\n", "[engine] cannot change while the engine is open"),
    (TEXT + "[users]\ntime_zone = 'Asia/Shanghai'\n", "[users] cannot change while the engine is open"),
    (TEXT + "[log]\nretention = 'P30D'\n", "[log] cannot change"),
    (TEXT + "[service]\nport = 1\n", "[service] cannot change"),
    (TEXT + "[operators]\napproval_above = 5\n", "[operators] cannot change"),
    (TEXT + "\ud800", "UTF-8"),
    ("#" * 300_000, "are too long"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_check_refuses_cannot_be_applied_and_changes_nothing(desk, file, text, said):
    engine, opened, rules = desk
    policy, token = engine.policy_version, rules.read().token
    found = rules.check(text)
    assert not found.holds
    assert any(said in fault for fault in found.faults), found.faults
    assert found.changes == ()
    with pytest.raises(SettingsFault):
        rules.apply("ann", text, token)
    assert (engine.policy_version, file.read_text("utf-8")) == (policy, TEXT)
    entry = opened.audit.entries()[0]
    assert (entry.who, entry.action) == ("ann", "rules.apply")
    assert entry.refused


def test_a_text_made_from_an_older_state_is_refused(desk, file):
    engine, opened, rules = desk
    token = rules.read().token
    rules.apply("bea", EDITED, token)
    with pytest.raises(Conflict, match="have changed since"):
        rules.apply("ann", TEXT.replace("limit = 3", "limit = 9"), token)
    assert engine.settings.caps[0].limit == 1
    assert opened.audit.entries()[0].refused == "the rules have changed since this text was made"


def test_an_edit_of_the_file_by_hand_makes_older_texts_stale(desk, file):
    _, _, rules = desk
    token = rules.read().token
    file.write_text(TEXT + "# by hand\n", "utf-8")
    with pytest.raises(Conflict):
        rules.apply("ann", EDITED, token)


def test_what_the_engine_has_no_room_for_changes_nothing(desk, file):
    engine, opened, rules = desk
    policy = engine.policy_version
    engine.set_preferences("ann", {"categories": {f"category-{n}": True for n in range(62)}})
    more = TEXT + "".join(f"[categories.more-{n}]\nnews = true\n" for n in range(5))
    with pytest.raises(Fault, match="has no room"):
        rules.apply("ann", more, rules.read().token)
    assert (engine.policy_version, file.read_text("utf-8")) == (policy, TEXT)
    assert "has no room" in opened.audit.entries()[0].refused


def test_a_comment_alone_is_written_and_changes_no_policy(desk, file):
    engine, _, rules = desk
    policy = engine.policy_version
    applied = rules.apply("ann", TEXT + "# as agreed", rules.read().token)
    assert (applied.policy_version, applied.changes) == (policy, ())
    assert file.read_text("utf-8") == TEXT + "# as agreed\n"


def test_the_line_ends_of_a_page_are_no_difference(desk, file):
    _, _, rules = desk
    assert rules.check(TEXT.replace("\n", "\r\n")).diff == ()
    rules.apply("ann", EDITED.replace("\n", "\r\n"), rules.read().token)
    assert file.read_bytes() == EDITED.encode()


def test_a_file_that_cannot_be_written_lets_the_old_rules_hold(desk, file):
    engine, opened, rules = desk
    token = rules.read().token
    (blocked := file.with_name(file.name + PREVIOUS)).mkdir()
    with pytest.raises(StoreFault, match="cannot be written"):
        rules.apply("ann", EDITED, token)
    assert engine.settings.caps[0].limit == 3
    assert [push(engine, n).action for n in (1, 2)] == ["send", "send"]
    assert file.read_text("utf-8") == TEXT
    assert opened.audit.entries()[0].refused
    blocked.rmdir()
    rules.apply("ann", EDITED, rules.read().token)
    assert engine.settings.caps[0].limit == 1


def test_a_link_to_the_file_stays_a_link(tmp_path, file):
    (link := tmp_path / "link.toml").symlink_to(file)
    with engine_of(config=load(file, {})) as engine, books(tmp_path, engine) as opened:
        rules = Rules(engine, opened, link, {})
        rules.apply("ann", EDITED, rules.read().token)
    assert link.is_symlink()
    assert file.read_text("utf-8") == EDITED


def test_without_a_file_the_text_is_what_differs_from_the_defaults_and_the_log_keeps_the_edit(tmp_path):
    path = tmp_path / "shop.db"
    with engine_of(["ann"], path, tomllib.loads(TEXT)) as engine, books(tmp_path, engine) as opened:
        rules = Rules(engine, opened, None, {})
        assert tomllib.loads(rules.text())["caps"] == [{"scope": "global", "limit": 3, "window": "P1D"}]
        assert rules.check(rules.text()).changes == rules.check(rules.text()).diff == ()
        assert not rules.check(rules.text() + "[stream]\nlines_max = 5\n").holds
        rules.apply("ann", rules.text().replace("limit = 3", "limit = 1"), rules.read().token)
        assert [push(engine, n).action for n in (1, 2)] != ["send", "send"]
    with Engine.open(path) as engine:
        assert engine.settings.caps[0].limit == 1


def test_the_environment_overrides_an_edit_as_it_overrides_the_file(tmp_path, file):
    environ = {"ANDANTE_EXPERIMENT__HOLDOUT": "0.25"}
    with engine_of(config=load(file, environ)) as engine, books(tmp_path, engine) as opened:
        rules = Rules(engine, opened, file, environ)
        rules.apply("ann", EDITED, rules.read().token)
        assert (engine.settings.experiment.holdout, engine.settings.caps[0].limit) == (0.25, 1)


def test_the_reason_in_the_log_names_who_edited(desk):
    engine, _, rules = desk
    rules.apply("ann", EDITED, rules.read().token)
    assert any('"why":"rules edited by ann"' in row.body for rows in engine.log_rows() for row in rows)
    assert os.environ.get("ANDANTE_CAPS") is None
