"""How often 95 % intervals hold where the truth is known, at reduced size: ``andante bench estimators`` is the full."""

import numpy as np
import pytest
from scipy.stats import binom

from andante.benchmarks.estimators import UNMODELLED, Method, bandit_trials, chain_trials, summarise
from andante.benchmarks.estimators_bandit import Kind, bandit, chain
from andante.evaluation.offpolicy import estimators
from andante.evaluation.offpolicy.decisions import Decisions

REPLICATIONS = 300
LEAST, MOST = binom.ppf(0.001, REPLICATIONS, 0.93), binom.ppf(0.999, REPLICATIONS, 0.97)
"""Counts that intervals of 93 to 97 % hardly ever leave."""


def held(trials):
    return {row["method"]: row["coverage"] * row["replications"] for row in summarise(trials, lambda _: {})}


@pytest.mark.parametrize(
    ("kind", "users"),
    [
        (Kind("near", 0.5, 0.5, -2.0), 200),
        (Kind("far", 1.0, 2.0, -2.0), 400),
        (Kind("heavy tail", 0.5, 1.0, -2.0, tail=1.0), 400),
    ],
)
def test_intervals_hold_where_the_effective_sample_is_adequate(kind, users):
    methods = {name: UNMODELLED[name] for name in ("IPS", "SNIPS")}
    for method, count in held(bandit_trials(REPLICATIONS, kinds=[kind], users=[users], methods=methods)).items():
        assert LEAST <= count <= MOST, method


def test_intervals_of_horizons_hold():
    counts = held(chain_trials(REPLICATIONS, chains={"7 steps": (7, False)}, users=[400]))
    assert len(counts) == 4
    for method, count in counts.items():
        assert LEAST <= count <= MOST, method


def test_intervals_take_no_repetition_for_evidence():
    def repeated(log, user):
        columns = (np.repeat(column, 4) for column in (log.reward, log.propensity, log.target))
        return estimators.snips(Decisions(*columns, user))

    methods = {
        "by user": Method(lambda log: repeated(log, np.repeat(log.user, 4))),
        "by decision": Method(lambda log: repeated(log, np.arange(4 * len(log)))),
    }
    kind = Kind("near", 0.5, 0.5, -1.0)
    counts = held(bandit_trials(REPLICATIONS, kinds=[kind], users=[200], methods=methods))
    assert LEAST <= counts["by user"] <= MOST
    assert counts["by decision"] < 0.8 * REPLICATIONS


def test_clipping_is_a_bias_that_no_interval_holds():
    kind = Kind("very far", 2.0, 3.0, -2.0)
    methods = {"clipped": Method(lambda log: estimators.ips(log, clip=2.0))}
    assert held(bandit_trials(100, kinds=[kind], users=[800], methods=methods))["clipped"] < 50


def test_the_truth_of_a_bandit_is_what_its_own_logs_come_to():
    rng = np.random.default_rng(11)
    place = bandit(Kind("near", 0.5, 0.5, -1.0), rng)
    found = estimators.ips(place.draw(40_000, rng).log)
    assert found.value == pytest.approx(place.truth, rel=0.02)


def test_the_truth_of_a_chain_is_what_its_policy_lives_through():
    rng = np.random.default_rng(12)
    place = chain(7, rng)
    lived = type(place)(place.steps, place.target, place.target, coarse=False).draw(40_000, rng)
    assert lived.reward.sum(axis=1).mean() == pytest.approx(place.truth, rel=0.02)


def test_a_model_that_fits_is_steadier_and_a_wrong_one_is_made_good_by_weights():
    kind = Kind("far", 1.0, 2.0, -1.0)
    rows = summarise(bandit_trials(15, kinds=[kind], users=[200]), lambda _: {})
    error = {row["method"]: row["rmse"] for row in rows}
    assert error["DR"] < error["IPS"]
    assert error["DR, wrong model"] < error["DM, wrong model"] / 2
