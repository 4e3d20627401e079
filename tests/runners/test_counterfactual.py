"""What another policy would have brought: right where the log has tried it, and refused where it has not."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_shop import EXPLORING, START, Shop, changed

from andante import Engine
from andante.evaluation.offpolicy.decisions import Decisions
from andante.live.parameters import same
from andante.runners.counterfactual.answer import CANNOT, Judgement, Line, judge
from andante.runners.counterfactual.cap import full, let_through
from andante.runners.counterfactual.judge import counterfactual
from andante.runners.counterfactual.log import read_log
from andante.runners.counterfactual.policy import read_policy
from andante.runners.counterfactual.reward import Reward, RewardName, planned_sends, read_reward
from andante.vocabulary.fault import EmptyInput, Fault, InputFault, StoreUnreadable

if TYPE_CHECKING:
    from pathlib import Path

SOON = Reward(RewardName.OPENS, within_s=3600)
BUSY = changed(EXPLORING, pacing={"burst": 7.0, "default_per_week": 30.0, "most_per_week": 40.0})
"""Credit for all that chance sends, so that a cap is what binds."""


def lived(folder: Path, name: str, shop: Shop, config: dict, *, release: bool = False) -> Path:
    shop.live(folder / name, config, release=release)
    return folder / name


def line(found: Judgement, method: str, per: str = "open decision") -> Line:
    (one,) = [one for one in found.lines if one.method == method and one.per == per]
    return one


def toml(folder: Path, config: dict) -> str:
    sections = [
        "\n".join([f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())])
        for section, keys in config.items()
    ]
    (folder / "judged.toml").write_text("\n".join(sections))
    return str(folder / "judged.toml")


@pytest.fixture(scope="module")
def weeks(tmp_path_factory):
    """Three weeks of 150 users, held pushes asked again, and half of the weeks at a random pace."""
    config = changed(EXPLORING, experiment={"explore": 0.5, "holdout": 0.2}, pacing={"arms": [1.0, 7.0]})
    shop = Shop(150, 21, seed=5, lift=0.4)
    return shop, lived(tmp_path_factory.mktemp("log"), "weeks.db", shop, config, release=True), config


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    """Eight days of 600 users, with much left to chance and nothing held back by the plan."""
    shop = Shop(600, 8, seed=6)
    return shop, lived(tmp_path_factory.mktemp("log"), "week.db", shop, BUSY)


def test_the_logged_policy_gives_the_logged_mean_to_the_bit(weeks):
    found = counterfactual(weeks[1], "logged", SOON)
    assert found.answer == "answers"
    logged = line(found, "mean")
    assert logged.value == line(found, "IPS").value == line(found, "SNIPS").value
    assert (line(found, "IPS").weight_max, found.overlap.weight_mean) == (1.0, 1.0)
    assert line(found, "SNIPS less the log").value == 0.0
    log = read_log(weeks[1], read_policy("logged").judged)
    for name in ("action", "chosen", "propensity"):
        assert np.array_equal(log.drawn.decisions[name], log.judged[0].decisions[name])
    assert np.array_equal(log.drawn.verdicts["propensity"], log.judged[0].verdicts["propensity"])


def test_a_configuration_brings_what_it_brings_when_it_is_really_run(tmp_path):
    shop = Shop(1500, 1, seed=3)
    log = lived(tmp_path, "one.db", shop, EXPLORING)
    other = changed(EXPLORING, pacing={"explore_candidates": 0.9, "temperature": 0.5, "floor": 0.02})
    found = counterfactual(log, toml(tmp_path, other), SOON)
    runs = [
        shop.live(":memory:", changed(other, engine={"seed": seed}), release=False) for seed in (7, 8, 9)
    ]  # the first with the very draws of the log
    truth = sum(shop.opens(*send) for sends in runs for send in sends) / (3 * shop.users)
    assert found.answer == "answers"
    for method in ("DR", "SNIPS", "IPS"):
        assert line(found, method).low < truth < line(found, method).high
    assert line(found, "DR less the log").low > 0.0
    assert found.sends_per_user_week["judged"] == pytest.approx(len(runs[0]) / shop.users, abs=0.04)


@pytest.mark.parametrize(
    ("scope", "limit", "window"), [("global", 1, "P7D"), ("global", 1, "P2D"), ("category:news", 1, "P7D")]
)
def test_a_tighter_cap_brings_over_a_week_what_it_brings_when_it_is_really_run(week, scope, limit, window):
    shop, log = week
    found = counterfactual(log, f"cap={scope}:{limit}/{window}", SOON)
    capped = {**BUSY, "caps": [{"scope": scope, "limit": limit, "window": window}]}
    runs = [shop.live(":memory:", changed(capped, engine={"seed": seed}), release=False) for seed in (7, 8, 9)]
    in_week = [send for sends in runs for send in sends if send[1] < 7]
    truth = sum(shop.opens(*send) for send in in_week) / (3 * shop.users)
    assert found.used == shop.users
    for method in ("per-decision WIS", "state-marginalised WIS"):
        assert line(found, method, "user-week").low < truth < line(found, method, "user-week").high
    assert found.sends_per_user_week["judged"] == pytest.approx(len(in_week) / (3 * shop.users), rel=0.12)


def test_a_cap_that_fills_for_a_week_needs_no_chance_to_be_judged(tmp_path):
    sure = changed(EXPLORING, pacing={"floor": 0.0, "temperature": 0.0, "explore_candidates": 0.0})
    shop = Shop(300, 8, seed=2)
    found = counterfactual(lived(tmp_path, "sure.db", shop, sure), "cap=1/P7D", SOON)
    capped = {**sure, "caps": [{"scope": "global", "limit": 1, "window": "P7D"}]}
    sends = [send for send in shop.live(":memory:", capped, release=False) if send[1] < 7]
    assert found.answer == "answers"
    assert line(found, "per-decision WIS", "user-week").value == sum(shop.opens(*send) for send in sends) / shop.users
    assert found.sends_per_user_week["judged"] == len(sends) / shop.users


def test_a_pace_brings_in_its_random_weeks_what_it_brings_when_it_is_really_run(weeks):
    shop, log, config = weeks
    found = counterfactual(log, "pace=7", SOON)
    alone = changed(config, experiment={"explore": 0.0, "holdout": 0.0}, pacing={"default_per_week": 7.0})
    sends = Shop(shop.users, 14, seed=5).live(":memory:", alone)
    truth = sum(shop.opens(*send) for send in sends) / (2 * shop.users)
    snips = line(found, "SNIPS", "user-week")
    assert snips.low < truth < snips.high
    assert found.sends_per_user_week["judged"] == pytest.approx(len(sends) / (2 * shop.users), rel=0.2)
    slow = counterfactual(log, "pace=1", SOON)
    assert slow.sends_per_user_week["judged"] < found.sends_per_user_week["judged"] / 1.5


def test_no_push_at_all_is_answered_by_users_who_were_held_out(weeks):
    found = counterfactual(weeks[1], "none", Reward(RewardName.VISITS))
    snips, gain = line(found, "SNIPS", "user-week"), line(found, "SNIPS less the log", "user-week")
    assert snips.low < 7 * 0.2 < snips.high  # visits a week of the shop without a push
    assert gain.high < 0.0  # every push brought visits
    assert found.sends_per_user_week["judged"] == 0.0


@pytest.mark.parametrize("scope", ["global", "category:promotion", "category:news", "channel:push"])
def test_the_sends_that_a_cap_lets_through_are_those_of_brute_force(week, scope):
    log = read_log(week[1])
    for limit, days in ((1, 2), (2, 7), (3, 7), (9, 7)):
        cap = read_policy(f"cap={scope.removeprefix('global')}{':' * (scope != 'global')}{limit}/P{days}D").cap
        assert np.array_equal(let_through(log, cap), _by_brute_force(log, scope, limit, days * 86_400))


def _by_brute_force(log, scope, limit, window_s):
    kind, _, name = scope.partition(":")
    sent = [(int(place), int(log.user[place]), int(log.at_s[place])) for place in np.flatnonzero(planned_sends(log))]
    through = np.zeros(len(log.position), bool)
    kept = []
    for place, user, at_s in sent:
        candidate = log.candidates[log.first[place] + log.drawn.decisions["chosen"][place]]
        counts = kind != "category" or log.names.categories[candidate["category"]] == name
        before = sum(1 for other, then_s in kept if other == user and then_s > at_s - window_s)
        if not counts:
            through[place] = True
        elif before < limit:
            through[place] = True
            kept.append((user, at_s))
    return through


def test_a_log_without_chance_answers_nothing_that_it_did_not_do(tmp_path):
    sure = changed(EXPLORING, pacing={"floor": 0.0, "temperature": 0.0, "explore_candidates": 0.0})
    log = lived(tmp_path, "sure.db", Shop(60, 8, seed=2), sure)
    found = counterfactual(log, "cap=1/P2D", SOON)
    assert found.answer == CANNOT
    assert "nothing that the policy would do was tried" in found.sentence
    assert any("pacing.floor" in advice for advice in found.to_answer)
    assert all(one.value is None for one in found.lines if one.policy != "logged")
    same_again = counterfactual(log, "cap=31/P7D", SOON)
    assert same_again.answer != CANNOT
    assert line(same_again, "per-decision IS less the log", "user-week").value == 0.0
    unlike = changed(sure, pacing={"temperature": 1.0})
    assert counterfactual(log, toml(tmp_path, unlike), SOON).answer == CANNOT


def test_a_looser_cap_than_the_logged_one_was_never_tried(tmp_path):
    capped = {**EXPLORING, "caps": [{"scope": "global", "limit": 1, "window": "P7D"}]}
    log = lived(tmp_path, "capped.db", Shop(200, 8, seed=2), capped)
    found = counterfactual(log, "cap=5/P7D", SOON)
    assert found.answer == CANNOT
    assert "a cap over everything was full" in found.sentence
    assert found.sends_per_user_week["let_through"] == found.sends_per_user_week["logged"]


@pytest.mark.parametrize(
    ("policy", "reward", "why"),
    [
        ("pace=7", SOON, "experiment.explore is 0"),
        ("none", Reward(RewardName.VISITS), "nobody"),
        ("none", SOON, "without pushes there are no opens"),
        ("cap=1/P7D", Reward(RewardName.SPEND), "to no single decision"),
        ("cap=1/P7D", Reward(RewardName.OPENS, within_s=30 * 86_400), "as old as its outcomes may take"),
    ],
)
def test_what_a_log_cannot_answer_is_said_with_the_reason_and_the_remedy(week, policy, reward, why):
    found = counterfactual(week[1], policy, reward)
    assert found.answer == CANNOT
    assert why in found.sentence
    assert found.to_answer


def test_a_pace_that_was_never_drawn_names_those_that_were(weeks):
    found = counterfactual(weeks[1], "pace=2.5", SOON)
    assert found.answer == CANNOT
    assert "1, 7" in found.sentence


def test_what_a_configuration_changes_of_the_pace_is_held_fixed_and_said(week, tmp_path):
    found = counterfactual(week[1], toml(tmp_path, changed(BUSY, pacing={"default_per_week": 1.0})), SOON)
    assert found.answer == CANNOT
    assert "default_per_week" in found.sentence
    both = changed(BUSY, pacing={"default_per_week": 1.0, "floor": 0.2})
    assert any("default_per_week" in held for held in counterfactual(week[1], toml(tmp_path, both), SOON).held_fixed)


def test_an_opt_out_costs_what_it_is_said_to_cost(tmp_path):
    path = lived(tmp_path, "log.db", Shop(40, 7, seed=4), BUSY)
    free = counterfactual(path, "logged", SOON)
    log = read_log(path)
    send = int(log.position[np.flatnonzero(planned_sends(log))[0]])
    with Engine.open(path, BUSY) as engine:
        name = engine._desk.log_name
        user = int(log.user[log.position == send][0])
        at = START + timedelta(seconds=int(log.at_s[log.position == send][0]) - int(START.timestamp()) + 60)
        engine.observe([{"decision_id": f"{name}-{send:x}-{user:x}", "type": "unsubscribed", "at": at}])
    costly = counterfactual(path, "logged", Reward(RewardName.OPENS, 3600, opt_out_cost=5.0))
    assert costly.used == free.used
    lost = (line(free, "mean").value - line(costly, "mean").value) * free.used
    assert lost == pytest.approx(5.0)


def test_a_cap_is_full_by_the_sends_of_its_own_week_alone(weeks):
    log = read_log(weeks[1])
    shut = full(log, read_policy("cap=1/P7D").cap)
    _, begins = np.unique(np.stack([log.user, log.week]), axis=1, return_index=True)
    assert shut.sum() > 100
    assert not shut[begins].any()


def test_an_outcome_counts_only_in_its_time(weeks):
    log = read_log(weeks[1])
    assert Reward(RewardName.OPENS, within_s=3600).by_decision(log).sum() > 100
    assert Reward(RewardName.OPENS, within_s=3599).by_decision(log).sum() == 0


@pytest.mark.parametrize(("untried", "answer"), [(0.005, "answers"), (0.1, "weak"), (0.5, CANNOT)])
def test_pushes_that_were_never_tried_are_held_against_a_log(untried, answer):
    tried = Decisions([1.0, 0.0] * 500, [0.5] * 1000, [0.5] * 1000, np.arange(1000))
    assert judge(tried, untried)[1].answer == answer


@pytest.mark.parametrize("text", ["pase=3", "pace=", "pace=-1", "cap=5", "cap=/P7D", "", "best", "CAP=5/P7D"])
def test_a_policy_that_is_none_is_a_fault_that_names_the_forms(text):
    with pytest.raises(InputFault, match=r"pace=3, cap=5/P7D, cap=category:promotion:2/P1D"):
        read_policy(text)


@pytest.mark.parametrize("text", ["cap=5/P7", "cap=50/P7D", "cap=user:ann:5/P7D", "cap=0/P7D", "no-such-file.toml"])
def test_a_policy_that_cannot_be_is_a_fault_of_one_line(text):
    with pytest.raises(Fault) as fault:
        read_policy(text)
    assert len(str(fault.value).splitlines()) == 1


def test_a_cap_on_what_the_log_has_never_seen_is_a_fault_that_guesses_what_was_meant(week):
    with pytest.raises(InputFault, match=r"promotions.*did you mean promotion\?"):
        counterfactual(week[1], "cap=category:promotions:2/P1D", SOON)


def test_a_log_that_holds_no_decision_or_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(StoreUnreadable):
        counterfactual(tmp_path / "none.db", "logged")
    with Engine.open(tmp_path / "empty.db", EXPLORING):
        pass
    with pytest.raises(EmptyInput):
        counterfactual(tmp_path / "empty.db", "logged")


@pytest.mark.parametrize("words", [("clikcs", "P7D", 0.0), ("opens", "7", 0.0), ("opens", "P7D", float("nan"))])
def test_a_reward_that_is_none_is_a_fault(words):
    with pytest.raises(InputFault):
        read_reward(*words)


@settings(max_examples=30, deadline=None)
@given(limit=st.integers(1, 32), days=st.integers(1, 31))
def test_a_cap_that_is_asked_about_twice_changes_nothing_more(limit, days, week):
    log = read_log(week[1]) if not _READ else _READ[0]
    _READ[:] = [log]
    policy = read_policy(f"cap={limit}/P{days}D")
    once = policy.parameters(log.parameters[-1], log.names)
    assert not same(once, log.parameters[-1])
    assert policy.parameters(once, log.names).tobytes() == once.tobytes()


_READ: list = []
