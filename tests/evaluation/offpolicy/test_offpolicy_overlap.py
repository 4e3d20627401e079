"""A log that cannot answer says so, and why."""

from dataclasses import replace

import numpy as np
import pytest

from andante.evaluation.offpolicy.decisions import Decisions
from andante.evaluation.offpolicy.overlap import diagnose, verdict


def coin(rows, target, *, rate=0.3, users=None, seed=1):
    """Return a log of sends by a fair coin under a policy that sends with chance ``target``."""
    rng = np.random.default_rng(seed)
    sent = rng.random(rows) < 0.5
    return Decisions(
        reward=(rng.random(rows) < rate) * 1.0,
        propensity=np.full(rows, 0.5),
        target=np.where(sent, target, 1 - target),
        user=np.arange(rows) % (users or rows),
    )


def test_a_log_that_tried_everything_answers():
    found = verdict(diagnose(coin(4_000, 0.6)))
    assert found.answer == "answers"
    assert "of 4,000 decisions" in found.sentence


def test_what_was_never_tried_is_read_from_weights_that_are_too_light():
    log = coin(4_000, 0.5)
    never = replace(log, target=np.where(np.arange(4_000) % 100 < 41, 0.0, log.target))
    overlap = diagnose(never)
    assert overlap.unsupported_share == pytest.approx(0.41, abs=0.005)
    found = verdict(overlap)
    assert found.answer == "cannot answer"
    assert "about 41% of what the policy would do was never tried in this log" in found.sentence


def test_what_was_never_tried_is_told_by_a_log_that_knows():
    log = coin(4_000, 0.5)
    knowing = replace(log, target=log.target * 0.95, unsupported=np.full(4_000, 0.05))
    found = verdict(diagnose(knowing))
    assert found.answer == "weak"
    assert "This log answers weakly: 5% of what" in found.sentence


def test_few_effective_decisions_cannot_answer():
    rng = np.random.default_rng(2)
    sent = rng.random(12_000) < 0.002
    propensity = np.where(sent, 0.002, 0.998)
    log = Decisions(rng.random(12_000) < 0.3, propensity, np.where(sent, 0.99, 0.01), np.arange(12_000))
    found = verdict(diagnose(log))
    assert found.answer == "cannot answer"
    assert f"the effective sample is {diagnose(log).effective:.0f} of 12,000 decisions" in found.sentence


def test_few_users_cannot_answer_however_many_decisions_they_have():
    found = verdict(diagnose(coin(4_000, 0.6, users=5)))
    assert found.answer == "cannot answer"
    assert "the weight lies on 5 effective users of 5" in found.sentence


def test_a_log_without_the_outcome_cannot_tell_how_rare_it_is():
    found = verdict(diagnose(coin(4_000, 0.6, rate=0.0)))
    assert found.answer == "cannot answer"
    assert "only 0 effective decisions had the rarer outcome" in found.sentence


def test_few_outcomes_answer_weakly():
    assert verdict(diagnose(coin(4_000, 0.6, rate=0.004))).answer == "weak"


@pytest.mark.parametrize("wrong", [0.25, 0.8])
def test_propensities_that_cannot_be_right_are_found_out(wrong):
    log = replace(coin(4_000, 0.6), propensity=np.full(4_000, wrong), unsupported=np.zeros(4_000))
    found = verdict(diagnose(log))
    assert found.answer == "cannot answer"
    assert (
        f"its propensities are wrong, as the weights average {0.5 / wrong + 1e-9:.2f} instead of 1.00" in found.sentence
    )


def test_right_propensities_are_hardly_ever_held_against_a_log():
    said = [verdict(diagnose(coin(300, 0.9, seed=seed))).sentence for seed in range(300)]
    assert not any("propensities" in sentence or "never tried" in sentence for sentence in said)


def test_nothing_in_common_is_said_at_once():
    found = verdict(diagnose(Decisions([1, 0], [0.5, 0.5], [0, 0], [1, 2])))
    assert found.answer == "cannot answer"
    assert "nothing that the policy would do was tried" in found.sentence


def test_one_user_alone_cannot_answer():
    assert verdict(diagnose(Decisions([1, 0], [0.5, 0.5], [0.5, 0.5], [1, 1]))).answer == "cannot answer"
