"""Policies that learn do what their sources say, from a pilot's table made by hand or lived through in a tiny shop."""

import numpy as np
import pytest
from hand_made import START_S, Shop, crowd, lived, tick

from andante.baselines.curves import BoostedCurves, PooledCurve, RidgeCurves
from andante.baselines.linkedin import SurvivalRule, fit_visits
from andante.baselines.memory import FEATURES, Memory
from andante.baselines.open_rate import OpenRate
from andante.baselines.pilot import Pilot, pilot
from andante.baselines.pinterest import Volumes, fit_volumes, raised
from andante.baselines.planned import Planned
from andante.baselines.points import Points
from andante.baselines.random_pace import PACES
from andante.baselines.survival import fit_survival
from andante.baselines.sweep import sweep
from andante.baselines.uplift import Table, fit_uplift, surrogate, tabulate, worth_of
from andante.vocabulary.fault import InputFault, NotEnoughData
from andante.worlds.contract import DAY_S

SEGMENT, OPENS = FEATURES.index("segment"), FEATURES.index("opens")


@pytest.fixture(scope="module")
def lived_through():
    return pilot(lambda policy, seed: Shop(users=300, weeks=8, seed=seed).live(policy), 11)


def made_by_hand(users=6000, weeks=8, seed=0):
    """Return a pilot in which users of segment 1 gain a visit by every push, and those of segment 0 nothing."""
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 0.3, (users, weeks, len(FEATURES)))
    features[:, :, SEGMENT] = (np.arange(users) % 2)[:, None]
    assigned = np.repeat(rng.choice(PACES, (users, 2)), (4, 4), axis=1)
    gained = assigned * (np.arange(users) % 2)[:, None]
    opens = rng.poisson(gained)
    visits = opens + rng.poisson(1.0, (users, weeks))
    leaves = rng.random((users, weeks)) < 0.002 * assigned
    subscribed = ~np.maximum.accumulate(leaves, axis=1)
    what = lived(
        sends=np.round(assigned), opens=opens, visits=visits, orders=visits, value=2.0 * visits, subscribed=subscribed
    )
    none = np.zeros(0)
    points = Points(np.zeros((0, len(FEATURES))), none, none, none > 0, none, none > 0)
    return Pilot(assigned, features.astype(np.float32), what, points, 4)


def test_a_pilot_assigns_each_pace_alike_and_once_more_when_features_are_known(lived_through):
    table = lived_through
    assert table.warm == 4
    assert (table.assigned[:, :4] == table.assigned[:, :1]).all()
    assert (table.assigned[:, 4:] == table.assigned[:, 4:5]).all()
    for first, second in ((0, 4), (4, 0)):
        assert set(table.assigned[:, first]) == set(PACES)
        assert abs(np.corrcoef(table.assigned[:, first], table.assigned[:, second])[0, 1]) < 0.15
    assert np.isfinite(table.features).all()
    assert (table.features[:, 0, OPENS] == table.features[0, 0, OPENS]).all()  # nobody is known at the start


def test_what_a_pilot_sends_follows_what_it_assigned(lived_through):
    late = lived_through.late()
    sent = lived_through.lived.sends[late, 4:].mean(axis=1)
    assert np.corrcoef(sent, lived_through.assigned[late, 4])[0, 1] > 0.9


def test_features_of_a_pilot_are_known_before_its_weeks(lived_through):
    opened = lived_through.lived.opens[:, 0] > 0
    assert opened.any()
    before, after = (lived_through.features[:, week, OPENS] for week in (0, 2))
    assert before[opened].mean() == before[~opened].mean()
    assert after[opened].mean() > after[~opened].mean()


def test_a_pilot_that_is_too_small_says_so():
    with pytest.raises(NotEnoughData, match="give 50 users and 4 weeks"):
        pilot(lambda policy, _: Shop(users=10, weeks=6).live(policy), 1)


def test_a_sweep_finds_the_best_option_within_the_budget():
    def lives(option, seed):
        sends = np.full((3, 2), option)
        return lived(sends=sends, opens=sends, visits=sends, orders=sends, value=option * (10.0 - option) * sends / 5)

    for budget, best in ((None, 7), (3.0, 3), (0.5, 1)):
        found, trials = sweep(lambda option: option, (1, 3, 7, 9), lives, (1, 2), budget)
        assert found == best
        assert [trial.per_week for trial in trials] == [1, 3, 7, 9]
    with pytest.raises(InputFault, match="has nothing to try"):
        sweep(lambda option: option, (), lives, (1,))


def test_open_rate_ranking_pushes_those_who_open_most_readily_as_often_as_they_may_be():
    memory = Memory(crowd(users=4, weeks=8))
    memory.at_s += 4 * 7 * DAY_S
    memory.sent[:] = 50
    memory.opens[:] = [1, 30, 5, 20]
    assert OpenRate(3.0, 1.0).plan(memory, 1.0).tolist() == [0, 3, 0, 1]
    memory.reachable[1] = False
    assert OpenRate(3.0, 1.0).plan(memory, 1.0).tolist() == [0, 0, 1, 3]


def test_open_rate_ranking_begins_with_everybody_alike():
    memory = Memory(crowd(users=4))
    memory.opens[0] = 1.0
    assert OpenRate(3.0, 1.0).plan(memory, 2.0).tolist() == [2, 2, 2, 2]


def test_one_lucky_open_does_not_outrank_many():
    memory = Memory(crowd(users=60, weeks=8))
    memory.at_s += 4 * 7 * DAY_S
    memory.sent[:], memory.opens[:] = 40, np.arange(60) % 20
    memory.sent[0], memory.opens[0] = 1, 1
    rates = memory.open_rates()
    assert rates[19] == rates.max()


def test_pinterest_raises_k_while_one_more_push_adds_more_than_the_threshold():
    marginal = np.array([[3.0, 2.0, 1.0], [3.0, 0.5, 9.0]])
    assert raised(marginal, 0.0).tolist() == [3, 3]
    assert raised(marginal, 1.0).tolist() == [2, 1]
    assert raised(marginal, 5.0).tolist() == [0, 0]


def test_pinterest_counts_what_an_unsubscribe_costs_in_the_long_run():
    class Activity:
        def predict(self, design):
            return 1.0 + 4.0 * design[:, -len(FEATURES) * 3 - 2]  # the pace, of 10

    class Leaves(Activity):
        def predict(self, design):
            return 0.05 * design[:, -len(FEATURES) * 3 - 1]  # its square

    blank, paces = np.zeros((1, len(FEATURES))), np.array(PACES)
    models = (Activity(), Leaves(), np.zeros(len(FEATURES)), np.ones(len(FEATURES)), 0.0, paces)
    careless, careful = Volumes(*models, 0.0).utility(blank)[0], Volumes(*models, 26.0).utility(blank)[0]
    assert careless == pytest.approx(1 + 4 * paces / 10)
    loss = -np.expm1(-0.05 * (paces / 10) ** 2) * 26 * 4 * paces / 10
    assert careful == pytest.approx(careless - loss)
    assert careful.argmax() < careless.argmax()


def test_pinterest_learns_who_gains_and_keeps_the_allowance():
    volumes = fit_volumes(made_by_hand(), seed=1)
    memory = Memory(crowd(users=100, weeks=8, segment=np.arange(100) % 2))
    free = volumes.plan(memory, None)
    assert free[1::2].mean() > 4
    assert free[::2].mean() < free[1::2].mean()
    for allowance in (0.0, 1.0, 3.0):
        plan = volumes.plan(memory, allowance)
        assert plan.mean() <= allowance
        assert plan[::2].sum() <= plan[1::2].sum()


def test_uplift_gives_pushes_to_those_who_gain_within_the_allowance():
    learned = fit_uplift(made_by_hand(), seed=1, budget=2.0)
    memory = Memory(crowd(users=100, weeks=8, segment=np.arange(100) % 2))
    plan = learned.plan(memory, 2.0)
    assert plan.mean() <= 2.0 * 1.2  # sends are fewer than the pace where users leave
    assert plan[1::2].sum() > 0.8 * plan.sum() > 0
    assert learned.worths[learned.learned] == max(learned.worths.values())
    assert learned.worths[learned.learned] > learned.worths["one pace"]


def test_the_worth_of_a_plan_is_unbiased_where_paces_were_drawn_by_chance():
    rng = np.random.default_rng(4)
    paces, users = np.array([0.0, 1.0, 2.0]), 60_000
    better = rng.integers(0, 3, users)  # the pace that is best for each
    pace = rng.choice(paces, users)
    table = Table(np.zeros((users, 1)), pace, (pace == better) + rng.normal(0, 1, users), pace)
    for guess in (np.zeros((users, 3)), rng.normal(0, 1, (users, 3))):  # wrong guesses cost precision, nothing else
        assert worth_of(better, table, guess, paces) == pytest.approx(1.0, abs=0.05)
        assert worth_of((better + 1) % 3, table, guess, paces) == pytest.approx(0.0, abs=0.05)


def test_the_surrogate_weighs_visits_and_opens_by_the_money_they_went_with():
    rng = np.random.default_rng(5)
    visits, opens = rng.poisson(4, 5000).astype(float), rng.poisson(1, 5000).astype(float)
    value = 2.0 * visits + rng.normal(0, 5, 5000)  # opens bring nothing
    worth = surrogate(rng.normal(0, 1, (5000, 2)), visits, opens, value)
    slope = np.linalg.lstsq(np.column_stack((visits, opens)), worth, rcond=None)[0]
    assert slope == pytest.approx([2.0, 0.0], abs=0.15)


def test_the_table_of_uplift_compares_users_by_what_was_assigned(lived_through):
    table = tabulate(lived_through)
    assert len(table.pace) == len(lived_through.late())
    assert np.array_equal(table.pace, lived_through.assigned[lived_through.late(), 4])


@pytest.mark.parametrize("curves", [PooledCurve(), RidgeCurves(by_segment=True), RidgeCurves(), BoostedCurves(1)])
def test_curves_recover_what_a_pace_does(curves):
    rng = np.random.default_rng(6)
    x = np.zeros((4000, len(FEATURES)))
    x[:, SEGMENT] = np.arange(4000) % 2
    pace = rng.choice(PACES, 4000)
    curves.fit(x, pace, pace * (2 - 0.2 * pace) + rng.normal(0, 1, 4000))
    found = curves.predict(x[:2], np.array(PACES))
    truth = np.array(PACES) * (2 - 0.2 * np.array(PACES))
    assert np.abs(found - found[:, :1] - truth).max() < 0.6


def test_the_survival_model_finds_the_rates_and_the_shape_that_made_its_data():
    rng = np.random.default_rng(7)
    x = np.column_stack((np.ones(20_000), rng.normal(0, 1, 20_000)))
    for kappa in (0.7, 1.0, 1.5):
        scale = np.exp(x @ np.array([-0.5, 0.8]))
        days = (rng.exponential(1, 20_000) / scale) ** (1 / kappa)
        found = fit_survival(x, np.minimum(days, 1.0), days < 1.0)
        assert found.weights == pytest.approx([-0.5, 0.8], abs=0.06)
        assert found.kappa == pytest.approx(kappa, rel=0.05)
        assert found.comes_within(x, 1.0).mean() == pytest.approx((days < 1.0).mean(), abs=0.01)


def test_a_survival_model_without_visits_says_so():
    with pytest.raises(NotEnoughData, match="too few visits"):
        fit_survival(np.ones((30, 1)), np.ones(30), np.zeros(30, bool))


def test_linkedins_rule_sees_that_a_push_moves_those_who_open(lived_through):
    model = fit_visits(lived_through)
    points = lived_through.points
    effect = model.effect(points.features, points.hour, points.relevance)
    ready = points.features[:, SEGMENT] == 1
    assert np.median(effect[ready]) > 0.8
    assert np.median(effect[ready]) > np.median(effect[~ready])
    assert model.threshold(1.0) == 0.0
    assert model.threshold(0.1) > model.threshold(0.5)
    assert (effect > model.threshold(0.1)).mean() == pytest.approx(0.1, abs=0.01)


def test_linkedins_rule_answers_only_what_passes_tau(lived_through):
    model = fit_visits(lived_through)
    rule = SurvivalRule(model, 1, 2.0)
    rule.begin(crowd(users=4, weeks=4, segment=[0, 1, 0, 1]))
    asked = [(user, hour * 3600, [(1.0, 2.0, 3600)]) for user in range(4) for hour in (10, 12, 15)]
    rule.decide(tick(START_S, asked))
    rule.tau = 1e9
    later = tick(START_S + DAY_S, asked, number_first=12)
    assert len(rule.decide(later)) == 0


def test_linkedins_rule_follows_its_budget(lived_through):
    shop = Shop(users=80, weeks=8, seed=5)
    rule = SurvivalRule(fit_visits(lived_through), 1, 2.0)
    came = shop.live(rule)
    assert came.sends.mean() <= 2.0
    assert came.sends.mean() == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize("make", [fit_uplift, fit_volumes])
def test_a_plan_learned_from_a_pilot_keeps_the_budget_in_a_shop(lived_through, make):
    policy = Planned(make(lived_through, seed=1), 1, 1.5)
    came = Shop(users=80, weeks=6, seed=9).live(policy)
    assert 0 < came.sends.mean() <= 1.5
    assert np.array_equal(
        came.sends, Shop(users=80, weeks=6, seed=9).live(Planned(make(lived_through, seed=1), 1, 1.5)).sends
    )
