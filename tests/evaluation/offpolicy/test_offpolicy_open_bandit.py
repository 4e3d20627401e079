"""The Open Bandit sample: agreement with the package that brings it, and a policy predicted from another one's log."""

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest

from andante.benchmarks.open_bandit import estimates
from andante.evaluation.offpolicy import estimators, overlap
from andante.evaluation.offpolicy.open_bandit import CAMPAIGNS, load, open_bandit
from andante.vocabulary.fault import EmptyInput, MissingExtra, SettingsFault

GOLDEN = json.loads((Path(__file__).parent / "golden" / "obp-0.4.1.json").read_text())


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_estimates_are_those_of_obp_to_nine_digits(campaign):
    theirs, log = GOLDEN["campaigns"][campaign], load(campaign, "random")
    judged = log.decisions(np.array(theirs["policy"]), expected=log.expectations())
    found = {one.method: one.value for one in estimates(judged, GOLDEN["switch"])}
    assert found.keys() == theirs["estimates"].keys() == {"IPS", "SNIPS", "DM", "DR", "SWITCH-DR"}
    for method, value in theirs["estimates"].items():
        assert found[method] == pytest.approx(value, rel=0, abs=1e-9)
    assert len(set(found.values())) == 5  # no two agree by being the same


@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("policy", ["as logged", "simulated"])
def test_the_random_log_predicts_the_click_rate_of_the_other_policy_within_its_interval(campaign, policy):
    chances = np.array(GOLDEN["campaigns"][campaign]["policy"]) if policy == "simulated" else None
    judged = open_bandit(campaign, policy=chances)
    clicked = load(campaign, "bts").click.mean()
    assert clicked == GOLDEN["campaigns"][campaign]["clicks_per_decision"]["bts"]
    for method in (estimators.ips, estimators.snips):
        found = method(judged)
        assert found.low < clicked < found.high
        assert found.effective > 300


def test_a_sample_of_40_clicks_is_said_to_be_weak():
    said = overlap.verdict(overlap.diagnose(open_bandit("all")))
    assert said.answer == "weak"
    assert "had the rarer outcome" in said.sentence


def test_a_random_log_read_by_its_own_policy_says_its_own_click_rate():
    log = load("women", "random")
    own = log.decisions(np.full((log.items, 3), 1 / log.items))
    assert estimators.ips(own).value == pytest.approx(46 / 10_000)
    assert own.weight == pytest.approx(1.0)


@pytest.mark.parametrize(("campaign", "items"), [("all", 80), ("men", 34), ("women", 46)])
def test_the_sample_is_read_as_it_is(campaign, items):
    log = load(campaign, "bts")
    assert (len(log.item), log.items) == (10_000, items)
    assert log.frequencies().sum(axis=0) == pytest.approx(1.0)
    assert sorted(set(log.place)) == [0, 1, 2]


def test_a_campaign_that_is_none_is_refused():
    with pytest.raises(SettingsFault, match="all, men, women"):
        load("children", "bts")


def test_a_folder_without_the_sample_is_refused(tmp_path):
    with pytest.raises(EmptyInput, match="is not there"):
        load("all", "bts", folder=tmp_path)


def test_without_the_package_its_name_is_given(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    assert distribution("obp").version == GOLDEN["versions"]["obp"]
    monkeypatch.setattr("andante.evaluation.offpolicy.open_bandit.distribution", missing)
    with pytest.raises(MissingExtra, match=r"pip install --no-deps obp==0\.4\.1"):
        load("all", "bts")
