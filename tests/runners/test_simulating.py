"""A simulation says what came of a policy, and of the same users and draws under another."""

import re

import numpy as np
import pytest
from pyarrow import parquet

from andante.runners.simulating.policies import HEADROOM, Setting, engine_settings, policies, policy
from andante.runners.simulating.simulate import FIGURES, save, simulate
from andante.settings import load
from andante.vocabulary.fault import InputFault
from andante.worlds.catalogue import world
from andante.worlds.loop import live

USERS, WEEKS, SEED = 150, 3, 11
SETTING = Setting("reference", USERS, WEEKS, SEED)


@pytest.fixture(scope="module")
def simulated():
    return simulate("reference", "andante", USERS, WEEKS, SEED, against=("none", "pace-2"))


def test_every_figure_is_given_with_its_interval(simulated):
    assert tuple(simulated.figures) == FIGURES
    for name, one in simulated.figures.items():
        if one is not None:
            assert one.low <= one.value <= one.high, name


def test_figures_are_those_of_what_was_lived(simulated):
    lived = simulated.lived
    assert simulated.figures["value_per_user"].value == pytest.approx(lived.value.sum(dtype=float) / USERS)
    assert simulated.figures["opens_per_push"].value == pytest.approx(lived.opens.sum() / lived.sends.sum())
    assert simulated.figures["sends_per_user_week"].value == pytest.approx(lived.sends.sum() / (USERS * WEEKS))
    assert lived.sends.sum() > 100


def test_a_policy_is_held_against_others_with_the_same_draws(simulated):
    assert simulated.against.keys() == {"none", "pace-2"}
    other = live(world("reference", USERS, WEEKS, SEED), policy("none", SETTING))
    difference = (simulated.lived.value.sum(dtype=float) - other.value.sum(dtype=float)) / USERS
    assert simulated.against["none"].value == pytest.approx(difference)
    assert other.sends.sum() == 0


def test_equal_seeds_give_equal_simulations(simulated):
    again = simulate("reference", "andante", USERS, WEEKS, SEED, against=())
    for name in again.lived.__slots__:
        np.testing.assert_array_equal(getattr(again.lived, name), getattr(simulated.lived, name), err_msg=name)
    assert again.figures == simulated.figures
    assert again.against == {}


def test_another_seed_gives_another_simulation(simulated):
    other = simulate("reference", "andante", USERS, WEEKS, SEED + 1, against=())
    assert (other.lived.sends != simulated.lived.sends).any()


def test_nobody_pushed_has_no_figure_per_push():
    found = simulate("reference", "none", USERS, 1, SEED, against=())
    assert found.figures["opens_per_push"] is None
    assert found.figures["sends_per_user_week"].value == 0
    assert found.to_dict()["figures"]["opens_per_push"] is None


def test_a_policy_is_not_held_against_itself():
    assert simulate("reference", "none", USERS, 1, SEED, against=("none",)).against == {}


def test_progress_reaches_the_end_for_every_policy():
    seen = []
    simulate("reference", "pace-1", 20, 1, SEED, against=("none",), progress=lambda *told: seen.append(told))
    assert list(dict.fromkeys(name for name, _ in seen)) == ["pace-1", "none"]
    assert [share for name, share in seen if name == "none"][-1] == 1.0
    shares = [share for name, share in seen if name == "pace-1"]
    assert shares == sorted(shares)


def test_a_plan_of_more_pushes_sends_more():
    few, many = (simulate("reference", f"andante-pace-{k}", USERS, WEEKS, SEED, against=()) for k in ("0.5", "5"))
    assert many.lived.sends.sum() > 3 * few.lived.sends.sum()


def test_a_pace_is_kept():
    found = simulate("reference", "pace-2.5", USERS, WEEKS, SEED, against=())
    assert found.figures["sends_per_user_week"].value == pytest.approx(2.5, abs=0.3)


@pytest.mark.parametrize("name", ["andant", "pace-", "pace-x", "andante-pace--1", "andante-pace-"])
def test_an_unknown_policy_is_a_fault_that_names_all(name):
    with pytest.raises(InputFault, match=re.escape(f"({name}) is unknown: choose of none, pace-K, andante")):
        simulate("reference", "none", 20, 1, SEED, against=(name,))


def test_an_unknown_world_is_a_fault():
    with pytest.raises(InputFault, match="nowhere"):
        simulate("nowhere", "none", 20, 1, SEED)


@pytest.mark.parametrize(("users", "weeks"), [(1, 1), (10, 0)])
def test_a_world_without_users_or_weeks_is_a_fault(users, weeks):
    with pytest.raises(InputFault, match="too small"):
        simulate("reference", "none", users, weeks, SEED)


def test_a_budget_is_held_by_a_price_and_leaves_it_a_choice():
    settings = engine_settings(Setting("reference", 10, 1, 5, budget=2.0))
    assert (settings.budget.per_user_week, settings.budget.controller) == (2.0, True)
    assert settings.pacing.default_per_week == HEADROOM * 2.0
    assert settings.engine.seed == 5


def test_a_configured_pace_stays_under_a_budget():
    configured = load({"pacing": {"default_per_week": 1.5}}, {})
    settings = engine_settings(Setting("reference", 10, 1, 5, budget=2.0, settings=configured))
    assert settings.pacing.default_per_week == 1.5
    assert engine_settings(Setting("reference", 10, 1, 5, settings=configured), 20.0).pacing.most_per_week == 20.0


def test_without_a_budget_the_configuration_stays_as_it_is():
    configured = load({"gap": {"minimum": "PT2H"}, "engine": {"seed": 5}}, {})
    assert engine_settings(Setting("reference", 10, 1, 5, settings=configured)) == configured


def test_every_policy_has_a_sentence():
    assert all(sentence.endswith(".") for sentence in policies().values())
    assert {"none", "andante", "best-cap", "oracle"} <= policies().keys()


def test_what_was_lived_is_written_whole(simulated, tmp_path):
    save(simulated.lived, tmp_path / "lived.parquet")
    save(simulated.lived, tmp_path / "lived.npz")
    table = parquet.read_table(tmp_path / "lived.parquet").to_pandas()
    assert len(table) == USERS * WEEKS
    assert table["sends"].to_numpy().reshape(USERS, WEEKS).tolist() == simulated.lived.sends.tolist()
    assert (table.groupby("user")["band_low"].nunique() == 1).all()
    with np.load(tmp_path / "lived.npz", allow_pickle=False) as columns:
        np.testing.assert_array_equal(columns["value"], simulated.lived.value)


def test_another_ending_is_a_fault(simulated, tmp_path):
    with pytest.raises(InputFault, match=r"neither \.npz nor \.parquet"):
        save(simulated.lived, tmp_path / "lived.csv")


def test_who_left_counts_as_left_and_not_as_reachable():
    found = simulate("reference", "pace-7", 300, WEEKS, SEED, against=())
    gone = ~found.lived.subscribed[:, -1]
    assert gone.any()
    assert found.figures["opt_outs_per_1000"].value == pytest.approx(1000 * gone.sum() / found.lived.sends.sum())
    assert found.figures["reachable_share"].value == pytest.approx(1 - gone.mean())
