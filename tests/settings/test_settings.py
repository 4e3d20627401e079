"""Settings come from a file, a mapping or nothing; the environment, passed in, wins."""

from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.settings import Budget, Cap, Settings, load
from andante.settings.sections import iso_duration
from andante.vocabulary.fault import SettingsFault

EXAMPLE = """
[consent]
default = "deny"
[budget]
per_user_week = 3.0
[[caps]]
scope = "global"
limit = 3
window = "P1D"
[[caps]]
scope = "category:promotion"
limit = 5
window = "P7D"
[quiet_hours]
start = "22:00"
end = "08:00"
[categories.order_update]
transactional = true
[experiment]
holdout = 0.03
explore = 0.05
[engine]
seed = 7
"""


@pytest.fixture
def file(tmp_path: Path):
    path = tmp_path / "andante.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    return path


def test_no_source_gives_the_defaults():
    settings = load(None, {})
    assert settings == Settings()
    assert (settings.consent.default, settings.caps, settings.quiet_hours) == ("deny", (), None)
    assert settings.budget.per_user_week is None


def test_a_file_is_read_into_typed_values(file):
    settings = load(file, {})
    assert settings.budget == Budget(per_user_week=3.0)
    assert settings.caps[0] == Cap(scope="global", limit=3, window=timedelta(days=1))
    assert settings.quiet_hours is not None
    assert (settings.quiet_hours.start, settings.quiet_hours.end) == (time(22), time(8))
    assert settings.categories["order_update"].transactional is True


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path):
    path = tmp_path / "andante.toml"
    path.write_text(EXAMPLE, encoding="utf-8-sig")
    assert load(path, {}).engine.seed == 7


def test_a_mapping_gives_the_same_settings_as_the_file_that_says_the_same(file):
    mapping = load(file, {}).model_dump(mode="json", exclude_none=True)
    assert load(mapping, {}) == load(file, {})


def test_settings_survive_json(file):
    settings = load(file, {})
    assert load(settings.model_dump(mode="json", exclude_none=True), {}).model_dump_json() == settings.model_dump_json()


def test_values_are_frozen():
    settings = load({"categories": {"a": {"transactional": True}}}, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.engine.seed = 8
    with pytest.raises(TypeError):
        settings.categories["b"] = settings.categories["a"]


def test_the_environment_overrides_the_file(file):
    environ = {
        "ANDANTE_BUDGET__PER_USER_WEEK": "2",
        "ANDANTE_CONSENT__DEFAULT": "allow",
        "ANDANTE_CATEGORIES__ORDER_UPDATE__TRANSACTIONAL": "false",
        "ANDANTE_CAPS": '[{scope = "global", limit = 1, window = "PT12H"}]',
        "ANDANTE_QUIET_HOURS__START": "21:30",
        "PATH": "/bin",
    }
    settings = load(file, environ)
    assert settings.budget.per_user_week == 2
    assert settings.consent.default == "allow"
    assert settings.categories["order_update"].transactional is False
    assert settings.caps == (Cap(scope="global", limit=1, window=timedelta(hours=12)),)
    assert settings.quiet_hours is not None
    assert settings.quiet_hours.start == time(21, 30)


def test_the_process_environment_is_never_read(monkeypatch):
    monkeypatch.setenv("ANDANTE_ENGINE__SEED", "99")
    assert load(None, {}).engine.seed == 7


def test_an_empty_variable_counts_as_not_set(file):
    assert load(file, {"ANDANTE_BUDGET__PER_USER_WEEK": ""}).budget.per_user_week == 3


def test_a_variable_finds_a_category_spelt_with_capitals():
    settings = load({"categories": {"OrderUpdate": {}}}, {"ANDANTE_CATEGORIES__ORDERUPDATE__TRANSACTIONAL": "true"})
    assert {name: category.transactional for name, category in settings.categories.items()} == {"OrderUpdate": True}


def test_a_mapping_passed_in_stays_as_it_was():
    mapping = {"budget": {"per_user_week": 3.0}, "caps": [{"scope": "x"}]}
    with pytest.raises(SettingsFault):
        load(mapping, {"ANDANTE_BUDGET__PER_USER_WEEK": "2"})
    assert mapping == {"budget": {"per_user_week": 3.0}, "caps": [{"scope": "x"}]}


@given(seconds=st.integers(1, 31 * 86_400))
def test_every_window_reads_back_from_what_it_is_written_as(seconds):
    window = timedelta(seconds=seconds)
    settings = load({"caps": [{"scope": "global", "limit": 1, "window": iso_duration(window)}]}, {})
    assert settings.caps[0].window == window


@given(
    caps=st.lists(
        st.tuples(st.sampled_from(["global", "channel:push"]), st.integers(1, 4), st.integers(1, 12)),
        min_size=2,
        max_size=2,
    ),
    gaps=st.lists(st.integers(0, 4), max_size=40),
)
def test_a_cap_that_another_covers_never_changes_a_decision(caps, gaps):
    weak, strict = (Cap(scope=scope, limit=limit, window=timedelta(seconds=s)) for scope, limit, s in caps)

    def sends(active):
        sent: list[int] = []
        at = 0
        for gap in gaps:  # every request is on the channel push, so both scopes count it
            at += gap
            held = any(sum(at - s < cap.window.total_seconds() for s in sent) >= cap.limit for cap in active)
            if not held:
                sent.append(at)
        return sent

    if strict.covers(weak):
        assert sends([weak, strict]) == sends([strict])


def test_a_channel_cap_covers_no_global_one():
    channel = Cap(scope="channel:push", limit=1, window=timedelta(days=1))
    everything = Cap(scope="global", limit=5, window=timedelta(days=1))
    assert not channel.covers(everything)
    assert everything.most(timedelta(days=2.5)) == 15
