"""Learning is judged on weeks that it never saw, beside baselines, and refuses what it cannot learn from."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from andante.profiles.panel import Panel
from andante.runners import learning
from andante.runners.learning import learn
from andante.vocabulary.fault import NotEnoughData, SettingsFault

NAMES = ("recency_days", "gap_days", "active_days", "active_days_90d", "views", "purchases", "noise")


def _panel(*, users=300, weeks=12, seed=0, rate=0.0):
    """Make users whose visits follow two traits that no single feature shows; ``rate`` shifts how many engage."""
    rng = np.random.default_rng(seed)
    often, late = rng.normal(size=users), rng.normal(size=users)
    rows = []
    for _week in range(weeks):
        X = rng.normal(size=(users, len(NAMES)))
        X[:, 0] = np.exp(-late + 0.3 * X[:, 0])
        X[:, 1] = np.exp(-often + 0.3 * X[:, 1])
        X[:, 2:6] = np.exp(often[:, None] + 0.5 * X[:, 2:6])
        y = rng.poisson(np.exp(often + late - 0.5 + rate))
        rows.append((X, y))
    start = date(2026, 1, 5)
    cutoffs = np.repeat([np.datetime64(start + timedelta(weeks=w)) for w in range(weeks)], users)
    return Panel(
        target="activity",
        label_days=7,
        names=NAMES,
        cutoffs=cutoffs,
        users=np.tile(np.array([f"u{i}" for i in range(users)], dtype=object), weeks),
        X=np.concatenate([X for X, _y in rows]),
        y=np.concatenate([y for _X, y in rows]).astype(float),
    )


@pytest.fixture(scope="module")
def learned():
    return learn(_panel(), "forest", folds=3, seed=7)


def test_the_last_cutoffs_are_held_out_whole(learned):
    assert learned.holdout == ("2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23")
    assert learned.rankings[0].rows == 4 * 300


def test_a_forest_beats_every_single_feature_where_two_matter(learned):
    model, *baselines = learned.rankings
    assert model.score == "forest"
    for baseline in baselines:
        assert baseline.first_ahead.verdicts["auc"] == "better", baseline.score


def test_interest_is_calibrated_on_weeks_it_never_saw(learned):
    assert learned.calibration.error < 0.05


def test_folds_rise_in_time_and_end_before_the_held_out_weeks(learned):
    starts = [fold.cutoff for fold in learned.folds]
    assert starts == sorted(starts)
    assert all(fold.until < learned.holdout[0] for fold in learned.folds)


def test_noise_is_the_least_important_feature(learned):
    order = [importance.feature for importance in learned.importances]
    assert order.index("noise") >= 3
    assert order[0] in {"recency_days", "gap_days", "active_days", "active_days_90d", "views", "purchases"}


def test_nothing_held_out_is_seen_before_it_is_judged(monkeypatch):
    panel = _panel()
    held = panel.cutoffs >= np.datetime64("2026-03-02")
    flipped = replace(panel, y=np.where(held, 1 - np.minimum(panel.y, 1), panel.y))
    monkeypatch.setattr(learning, "RESAMPLES", 20)
    one, other = (learn(p, "forest", folds=2, seed=7).rankings[0].auc.value for p in (panel, flipped))
    assert one + other == pytest.approx(1.0)  # the same scores against opposite outcomes


def test_a_row_is_learned_from_only_once_its_label_was_known():
    late = replace(_panel(), label_days=21)  # as with pushes that may be answered for two weeks
    assert learn(late, "forest", folds=2, seed=7).holdout[0] == "2026-03-02"
    assert late.rows(late.known_by(np.datetime64("2026-03-02"))).cutoffs.max() == np.datetime64("2026-02-09")


def test_a_panel_in_which_hardly_anybody_engages_is_refused():
    with pytest.raises(NotEnoughData, match="30 engaged and 30 idle are needed"):
        learn(_panel(rate=-9.0), "forest", folds=2, seed=7)


def test_an_unknown_family_is_refused_by_name():
    with pytest.raises(SettingsFault, match="oracle"):
        learn(_panel(weeks=6), "oracle", folds=2, seed=7)


def test_the_same_seed_learns_the_same():
    first, second = (learn(_panel(weeks=8), "forest", folds=2, seed=7) for _ in range(2))
    X = _panel(weeks=1, seed=5).X
    assert np.array_equal(first.interest.predict_proba(X), second.interest.predict_proba(X))
    assert first.rankings == second.rankings
