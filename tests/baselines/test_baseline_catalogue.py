"""Every policy of the catalogue can be had by its name, is trained elsewhere, and sends nothing that it must not."""

from importlib.util import find_spec

import numpy as np
import pytest
from hand_made import Shop, lived

from andante.baselines.catalogue import NAMES, PILOTED, SWEPT, TOLD, TRAINING_SEEDS, Training, policy
from andante.baselines.pilot import pilot
from andante.baselines.vowpal import VowpalBandit
from andante.vocabulary.fault import InputFault, MissingExtra, NotEnoughData

PACES = np.array([0.0, 1.0, 3.0])
INSTALLED = [name for name in NAMES if name != "vowpal" or find_spec("vowpalwabbit")]


def lives(option, seed):
    return Shop(users=60, weeks=6, seed=seed).live(option)


@pytest.fixture(scope="module")
def training():
    table = pilot(lambda option, seed: Shop(users=200, weeks=6, seed=seed).live(option), TRAINING_SEEDS[0])
    curves = np.tile([0.0, 1.0, 0.5], (60, 1))
    return Training(lives=lives, pilot=table, paces=PACES, curves=curves)


@pytest.mark.parametrize("name", INSTALLED)
def test_no_policy_sends_what_has_expired_or_anything_twice_and_each_keeps_the_budget(name, training):
    option = policy(name, seed=3, budget=1.0, training=training)
    came = lives(option, 3)  # the shop checks every send
    assert came.sends.mean() <= 1.0 or name in {"pace", "best-pace", "oracle"}  # an even pace has no purse
    assert came.sends.mean() <= 1.05
    assert came.sends.any() or name == "no-push"


@pytest.mark.parametrize("name", [name for name in INSTALLED if name not in SWEPT])
def test_without_a_budget_a_policy_sends_as_it_sees_fit(name, training):
    came = lives(policy(name, seed=3, training=training), 3)
    assert came.sends.any() or name == "no-push"


@pytest.mark.parametrize("name", ["best-cap", "pinterest", "random", "linkedin"])
def test_equal_seeds_send_the_same(name, training):
    shops = [Shop(users=40, weeks=4, seed=8) for _ in range(2)]
    for shop in shops:
        shop.live(policy(name, seed=3, budget=1.0, training=training))
    assert shops[0].sent == shops[1].sent


def test_a_policy_that_has_to_learn_says_so_when_there_is_nothing_to_learn_from():
    for name in sorted(PILOTED | SWEPT):
        with pytest.raises(NotEnoughData, match="live through them"):
            policy(name, seed=3)
    for name in TOLD:
        with pytest.raises(NotEnoughData, match="no response curves"):
            policy(name, seed=3)


def test_a_training_seed_is_not_judged(training):
    with pytest.raises(InputFault, match="judge on another"):
        policy("uplift", seed=TRAINING_SEEDS[0], training=training)


def test_an_unknown_policy_is_named_with_those_there_are():
    with pytest.raises(InputFault, match=r"best-kap.*best-cap"):
        policy("best-kap", seed=3)


def test_every_policy_is_described_and_what_it_needs_is_declared():
    assert set(NAMES) >= PILOTED | SWEPT | TOLD
    assert all(sentence.endswith(".") for sentence in NAMES.values())


def test_the_best_cap_is_the_one_that_was_best_in_training():
    def flat(option, seed):
        sends = np.full((4, 2), getattr(option, "per_week", 0.0))
        return lived(sends=np.round(sends), opens=sends, visits=sends, orders=sends, value=sends * (8 - sends))

    assert policy("best-cap", seed=3, training=Training(lives=flat)).per_week == 4.0
    assert policy("best-cap", seed=3, budget=3.0, training=Training(lives=flat)).per_week == 3.0
    assert policy("best-pace", seed=3, training=Training(lives=flat)).per_week == 4.0


def test_vowpalwabbit_that_is_not_installed_is_named_with_its_extra():
    if find_spec("vowpalwabbit"):
        pytest.skip("it is installed")
    with pytest.raises(MissingExtra, match=r"andante\[vw\]"):
        Shop(users=4, weeks=1).live(VowpalBandit(1))


def test_vowpalwabbit_learns_to_push_those_whom_a_push_moves():
    pytest.importorskip("vowpalwabbit")
    shop = Shop(users=40, weeks=8, refusal=0.0, open_rates=(0.0, 1.0))
    shop.live(VowpalBandit(1, budget=2.0))
    late = [user for user, at_s, _ in shop.sent[len(shop.sent) // 2 :]]
    assert np.mean(np.array(late) % 2) > 0.6
