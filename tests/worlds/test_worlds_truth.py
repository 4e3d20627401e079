import numpy as np
import pytest

from andante.baselines.constant import NoPush, Pace
from andante.vocabulary.fault import InputFault
from andante.worlds.catalogue import WORLDS, nature, world
from andante.worlds.loop import live
from andante.worlds.truth import curves, expected

USERS, WEEKS, SEED = 6000, 5, 21
PACES = np.array([0.0, 3.0, 8.0])

# What the truth takes as a mean where the world has chance, beside four standard errors of the world.
SLACK = {"visits": 0.01, "opens": 0.04, "sends": 0.025, "subscribed": 0.01, "installed": 0.005, "value": 0.01}
SLACK_OF = {
    ("threshold-fatigue", "opens"): 0.12,  # pushes are not evenly spaced, and a cliff is steep
    ("newcomers", "sends"): 0.12,  # a constant pace saves up to two pushes before its user joins
}


@pytest.mark.parametrize("name", WORLDS)
def test_the_truth_is_what_the_world_does_on_average(name):
    true = expected(nature(name), USERS, WEEKS, SEED, PACES)
    for place, pace in enumerate(PACES):
        lived = live(world(name, USERS, WEEKS, SEED), Pace(pace, 1) if pace else NoPush())
        told = {what: getattr(lived, what).sum(axis=1) for what in ("visits", "opens", "sends", "value")}
        told |= {"subscribed": lived.subscribed[:, -1], "installed": lived.installed[:, -1]}
        for what, by_user in told.items():
            wanted = getattr(true, what)[:, place, 0]
            error = (by_user - wanted).std() / np.sqrt(USERS)
            slack = SLACK_OF.get((name, what), SLACK[what]) * wanted.mean()
            assert by_user.mean() == pytest.approx(wanted.mean(), abs=4 * error + slack), (what, pace)


def test_the_truth_tells_users_apart():
    true = expected(nature("reference"), USERS, WEEKS, SEED, np.array([4.0])).visits[:, 0, 0]
    lived = live(world("reference", USERS, WEEKS, SEED), Pace(4.0, 1)).visits.sum(axis=1)
    tenth = np.argsort(true).reshape(10, -1)
    assert lived[tenth].mean(axis=1) == pytest.approx(true[tenth].mean(axis=1), rel=0.2)
    # What is left beside the truth is Poisson: its variance is its mean.
    assert ((lived - true) ** 2).sum() / true.sum() == pytest.approx(1, abs=0.15)


def test_the_truth_by_week_sums_up_to_the_truth():
    whole = expected(nature("reference"), 50, 6, 7, PACES)
    by_week = expected(nature("reference"), 50, 6, 7, PACES, by_week=True)
    assert by_week.value.sum(axis=2) == pytest.approx(whole.value[:, :, 0])
    assert by_week.installed[:, :, -1] == pytest.approx(whole.installed[:, :, 0])
    assert curves("reference", 50, 6, 7, PACES) == pytest.approx(whole.value[:, :, 0])


def test_without_fatigue_and_leaving_more_pushes_are_always_worth_more():
    paces = np.array([0.0, 1.0, 2.0, 4.0, 8.0])
    true = expected(nature("no-fatigue"), 300, 4, 7, paces)
    assert (np.diff(true.opens[:, :, 0], axis=1) > 0).all()


@pytest.mark.parametrize("pace", [-1.0, 30.0])
def test_a_pace_that_nobody_can_keep_is_refused(pace):
    with pytest.raises(InputFault, match="pace"):
        curves("reference", 2, 1, 7, np.array([pace]))
