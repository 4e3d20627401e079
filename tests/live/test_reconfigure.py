"""Reconfiguring: other settings hold from the very next decision on, all of them or none, and for good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from inspection_desk import SHOP, live
from live_desk import CERTAIN, HOUR, NOON, ask, consent, offer
from promise_desk import entries, folded, states

from andante import Engine
from andante.live.policies import FIXED
from andante.runners.replaying import replay
from andante.settings import Settings, load
from andante.settings.sections import Cap, VendorQuota
from andante.stores.memory import MemoryStore
from andante.vocabulary.fault import InputFault, SettingsFault, StoreFull
from andante.vocabulary.flow import Kind

if TYPE_CHECKING:
    from pathlib import Path

CAPPED = CERTAIN | {"caps": [{"scope": "global", "limit": 5, "window": "P7D"}]}


def changed(engine: Engine, /, **sections: Mapping[str, Any] | list[Any]) -> Settings:
    """Return the settings that hold, but for some sections, as a file would say them."""
    said = engine.settings.model_dump(mode="json")
    for name, section in sections.items():
        said[name] = {**(said[name] or {}), **section} if isinstance(section, Mapping) else section
    return load(said, {})


def actions(engine: Engine, first: int, count: int) -> list[str]:
    asked = [ask("ann", NOON + n * HOUR, offer(f"c{n}")) for n in range(first, first + count)]
    return [one.action for request in asked for one in engine.decide([request])]


def test_a_lowered_cap_binds_the_very_next_decision() -> None:
    with Engine.open(":memory:", CAPPED) as engine:
        consent(engine)
        assert actions(engine, 0, 2) == ["send", "send"]
        before = engine.policy_version
        policy = engine.reconfigure(changed(engine, caps=[{"scope": "global", "limit": 2, "window": "P7D"}]), "calmer")
        assert policy == engine.policy_version != before
        assert engine.settings.caps[0].limit == 2
        decision = engine.decide([ask("ann", NOON + 3 * HOUR, offer("c9"))])[0]
    assert (decision.action, decision.reasons, decision.policy_version) == ("suppress", ("cap_global",), policy)


def test_quiet_hours_bind_the_very_next_decision_and_can_be_taken_back() -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        consent(engine)
        engine.reconfigure(changed(engine, quiet_hours={"start": "11:00", "end": "15:00"}), "siesta")
        held = engine.decide([ask("ann", NOON, offer("c1"))])[0]
        engine.reconfigure(engine.settings.model_copy(update={"quiet_hours": None}), "no siesta")
        sent = engine.decide([ask("ann", NOON + HOUR / 2, offer("c2"))])[0]
    assert (held.action, held.reasons) == ("defer", ("quiet_hours",))
    assert sent.action == "send"


def test_a_category_becomes_transactional_and_a_digest_where_that_is_read_outside_the_step() -> None:
    with Engine.open(":memory:", CAPPED) as engine:
        consent(engine)
        engine.reconfigure(changed(engine, categories={"promotion": {"transactional": True}}), "they wait for it")
        engine.decide([ask("ann", NOON, offer("c1"))])
        (send,) = engine.sends().sends
    assert send.transactional


def test_a_live_budget_begins_to_be_held() -> None:
    with Engine.open(":memory:", CERTAIN) as engine:
        names = [f"user-{number}" for number in range(30)]
        consent(engine, *names)
        tight = {"per_user_week": 0.1, "controller": True, "every": "PT10S", "step": 10.0}
        engine.reconfigure(changed(engine, budget=tight), "too much goes out")
        for turn in range(5):
            engine.decide([ask(name, NOON + turn * HOUR, offer(f"c{turn}")) for name in names])
        assert engine.inspection.survey(NOON + 6 * HOUR).shadow_price > 0.0
        price = engine.inspection.survey(NOON).shadow_price
        engine.reconfigure(changed(engine, gap={"minimum": "PT1M"}), "another matter")
        assert engine.inspection.survey(NOON).shadow_price == price  # the controller goes on from where it was


def test_what_was_stopped_stays_stopped() -> None:
    with Engine.open(":memory:", CAPPED) as engine:
        consent(engine)
        engine.switch("category:promotion", on=True)
        engine.reconfigure(changed(engine, caps=[]), "no caps")
        assert engine.decide([ask()])[0].reasons == ("kill_switch",)


def _cap_above_the_ring(settings: Settings) -> Settings:
    cap = Cap.model_construct(scope="global", limit=33, window=timedelta(days=7))
    return settings.model_copy(update={"caps": (cap,)})


def _unknown_zone(settings: Settings) -> Settings:
    quota = VendorQuota.model_construct(
        per_day=2, news_per_day=None, time_zone="Mars/Phobos", quiet_start=time(22), quiet_end=time(8)
    )
    return settings.model_copy(update={"vendor_quotas": {"vendor": quota}})


def _half_a_clock(settings: Settings) -> Settings:
    quota = VendorQuota.model_construct(
        per_day=2, news_per_day=None, time_zone="UTC", quiet_start=time(22), quiet_end=None
    )
    return settings.model_copy(update={"vendor_quotas": {"vendor": quota}})


def _two_caps_of_one_scope(settings: Settings) -> Settings:
    caps = tuple(Cap(scope="global", limit=limit, window=timedelta(days=7)) for limit in (2, 3))
    return settings.model_copy(update={"caps": caps})


def _a_ninth_channel(settings: Settings) -> Settings:
    caps = tuple(Cap(scope=f"channel:new-{n}", limit=2, window=timedelta(days=7)) for n in range(8))
    return settings.model_copy(update={"caps": caps})


def _infinite(settings: Settings) -> Settings:
    return settings.model_copy(update={"pacing": settings.pacing.model_copy(update={"burst": float("inf")})})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (_cap_above_the_ring, r"limit.*33"),
        (_unknown_zone, "Mars/Phobos"),
        (_half_a_clock, "quiet_end"),
        (_two_caps_of_one_scope, "given twice"),
        (_a_ninth_channel, "9th channel"),
        (_infinite, "burst"),
    ],
)
def test_what_cannot_hold_is_refused_whole(wrong: Callable[[Settings], Settings], words: str) -> None:
    with Engine.open(":memory:", CAPPED) as engine:
        consent(engine)
        asked = wrong(changed(engine, gap={"minimum": "PT2H"}))
        before = held(engine)
        with pytest.raises((InputFault, SettingsFault), match=words):
            engine.reconfigure(asked, "wrong")
        assert held(engine) == before
        assert actions(engine, 0, 2) == ["send", "send"]


def held(engine: Any) -> tuple[Any, ...]:
    desk = engine._desk
    names = (desk.names.channels, desk.names.categories, desk.names.zones, desk.names.pending())
    return engine.position, states(engine), names, engine.policy_version, engine.settings


@pytest.mark.parametrize(
    ("section", "other"),
    [
        ("engine", {"seed": 8}),
        ("users", {"time_zone": "Asia/Tokyo"}),
        ("log", {"retention": "P30D"}),
        ("service", {"port": 1234}),
        ("stream", {}),
        ("delivery", {}),
    ],
)
def test_a_section_that_is_fixed_while_the_engine_is_open_is_named(section: str, other: dict[str, Any]) -> None:
    with Engine.open(":memory:", CAPPED) as engine:
        before, asked = held(engine), changed(engine, gap={"minimum": "PT2H"})
        if other:
            asked = changed(engine, gap={"minimum": "PT2H"}, **{section: other})
        else:
            field, value = next(iter(getattr(asked, section).model_dump().items()))
            part = getattr(asked, section).model_copy(update={field: _other(value)})
            asked = asked.model_copy(update={section: part})
        assert section in FIXED
        with pytest.raises(InputFault, match=rf"\[{section}\].*restart"):
            engine.reconfigure(asked, "another seed")
        assert held(engine) == before


def _other(value: Any) -> Any:
    return not value if isinstance(value, bool) else value * 2


@pytest.mark.parametrize("why", ["", "  ", "two\nlines", "\ud800", None])
def test_a_change_without_a_reason_is_refused(why: Any) -> None:
    with Engine.open(":memory:", CAPPED) as engine:
        before = held(engine)
        with pytest.raises(InputFault, match="why"):
            engine.reconfigure(changed(engine, caps=[]), why)
        assert held(engine) == before


def test_what_are_no_settings_are_a_fault() -> None:
    with Engine.open(":memory:") as engine, pytest.raises(InputFault, match="settings"):
        engine.reconfigure({"caps": []}, "a mapping")  # type: ignore[arg-type]


def test_settings_as_they_are_change_nothing() -> None:
    with Engine.open(":memory:", CAPPED) as engine:
        position = engine.position
        assert engine.reconfigure(engine.settings, "the same") == engine.policy_version
        assert engine.position == position


def test_a_file_opened_without_a_config_has_them_again(tmp_path: Path) -> None:
    path = tmp_path / "andante.db"
    with Engine.open(path, CAPPED) as engine:
        consent(engine)
        engine.reconfigure(changed(engine, caps=[{"scope": "global", "limit": 1, "window": "P7D"}]), "calmer")
        settings, policy = engine.settings, engine.policy_version
    with Engine.open(path) as engine:
        assert (engine.settings, engine.policy_version) == (settings, policy)
        assert actions(engine, 0, 2) == ["send", "suppress"]


def test_settings_that_decide_nothing_of_their_own_survive_too(tmp_path: Path) -> None:
    path = tmp_path / "andante.db"
    with Engine.open(path, CAPPED) as engine:
        engine.reconfigure(changed(engine, categories={"promotion": {"digest": True}}), "fewer at once")
    with Engine.open(path) as engine:
        assert engine.settings.categories["promotion"].digest


def test_the_log_says_what_was_changed_and_why(tmp_path: Path) -> None:
    with Engine.open(tmp_path / "andante.db", CAPPED) as engine:
        engine.reconfigure(changed(engine, gap={"minimum": "PT2H"}), "too close together")
        *_, last = entries(engine)
    assert (last.kind, last.body["why"]) == (Kind.PARAMETERS, "too close together")
    assert last.body["settings"]["gap"] == {"minimum": "PT2H"}
    assert "service" not in last.body["settings"]


@pytest.mark.parametrize("seed", range(3))
def test_a_replay_is_exact_across_changes(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "andante.db"
    with Engine.open(path, SHOP | {"log": {"checkpoint_every": 200}}) as engine:
        live(engine, seed, days=4)
        engine.reconfigure(changed(engine, caps=[{"scope": "global", "limit": 1, "window": "P1D"}]), "calmer")
        live(engine, seed + 10, days=4)
        engine.reconfigure(changed(engine, quiet_hours={"start": "09:00", "end": "12:00"}, caps=[]), "another shape")
        answered = live(engine, seed + 20, days=4)
        now = states(engine)
        traces = [engine.inspection.trace(decision_id) for decision_id in answered[::10]]
    replayed = replay(path)
    assert replayed.exact, replayed.differences
    assert len(replayed.policies) >= 3
    assert folded(path, None) == now
    assert all(trace.exact for trace in traces)


class Full(MemoryStore):
    """A store that is full when it is told to be."""

    full = False

    def append(self, commit: Any) -> None:
        if self.full:
            raise StoreFull("store", None, "is full", "make room")
        super().append(commit)


def test_a_change_that_could_not_be_logged_was_not_made() -> None:
    store = Full()
    with Engine.over(store, load(CAPPED, {})) as engine:
        consent(engine)
        before, budget = held(engine), engine._desk.budget
        asked = changed(engine, caps=[], budget={"per_user_week": 2.0, "controller": True})
        store.full = True
        with pytest.raises(StoreFull):
            engine.reconfigure(asked, "calmer")
        store.full = False
        assert held(engine) == before
        assert engine._desk.budget is budget
        engine.reconfigure(asked, "calmer")
        assert engine.settings == asked


def test_decisions_of_threads_follow_one_policy_or_the_other() -> None:
    """No decision mixes two policies: under each version, exactly its cap holds."""
    with Engine.open(":memory:", CAPPED) as engine, ThreadPoolExecutor(4) as pool:
        names = [f"user-{number}" for number in range(64)]
        consent(engine, *names)
        one_cap = changed(engine, caps=[{"scope": "global", "limit": 1, "window": "P7D"}])
        before = engine.policy_version
        run = pool.map(lambda name: [engine.decide([ask(name, NOON, offer(f"c{n}"))])[0] for n in range(4)], names)
        after = engine.reconfigure(one_cap, "calmer")
        decided = [one for many in run for one in many]
        last = engine.decide([ask("user-0", NOON, offer("last"))])[0]
    assert {one.policy_version for one in decided} <= {before, after}
    assert all(one.action == "send" for one in decided if one.policy_version == before)
    assert all("cap_global" in one.reasons for one in decided if one.action != "send")
    assert (last.policy_version, last.reasons) == (after, ("cap_global",))
