"""What a log of a world holds, before its estimates are believed (``andante bench estimators`` measures those)."""

import numpy as np
import pytest

from andante.benchmarks.estimators_worlds import JUDGED, LOGGED, PACES, DrawnPace, single_estimates, trajectories
from andante.evaluation.offpolicy import horizon, overlap
from andante.worlds.catalogue import world
from andante.worlds.loop import live

USERS, WEEKS = 600, 3


@pytest.fixture(scope="module")
def lived():
    policy = DrawnPace(LOGGED, seed=3)
    return policy, live(world("reference", USERS, WEEKS, 3), policy)


def test_paces_are_drawn_by_the_chances_that_are_logged(lived):
    policy, _ = lived
    assert len(policy.drawn) == WEEKS
    for drawn in policy.drawn:
        assert np.bincount(drawn, minlength=len(PACES)) / USERS == pytest.approx(LOGGED[0], abs=0.08)
    assert policy.opened[0].sum() == 0 < policy.opened[1].sum()


def test_who_drew_more_was_pushed_more(lived):
    policy, life = lived
    drawn = policy.drawn[0]
    assert np.all(np.diff([life.sends[drawn == pace, 0].mean() for pace in range(len(PACES))]) > 0.5)


def test_the_weights_of_a_world_average_one(lived):
    log = trajectories(*lived)
    assert log.ratio.mean(axis=0) == pytest.approx(np.ones(WEEKS), abs=0.1)
    assert set(np.unique(log.target)) <= set(np.unique(JUDGED))
    seen = overlap.diagnose(log.whole())
    assert seen.weight_mean_low < 1 < seen.weight_mean_high


def test_all_estimators_answer_from_a_world(lived):
    policy, _ = lived
    log = trajectories(*lived)
    single = single_estimates(log, policy.drawn[0])
    assert {"IPS", "SNIPS", "DM", "DR"} < single.keys()
    for found in (*single.values(), horizon.per_decision(log), horizon.state_marginalised(log)):
        assert found.low <= found.value <= found.high
        assert found.users == USERS
