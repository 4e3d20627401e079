"""The verdict: it says better only where it is, and worse as plainly."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andante.report.summary import Interval, ModelScore, Target
from andante.report.verdict import standing, verdict
from andante.report.words import Words

EN = Words.read("en")
SHARES = st.floats(min_value=0.4, max_value=1.0)


def _score(
    model: str, auc: float, *, half: float | None = 0.01, ahead: tuple[float, float] | None = None
) -> ModelScore:
    around = Interval(auc) if half is None else Interval(auc, auc - half, auc + half)
    paired = None if ahead is None else Interval(sum(ahead) / 2, *ahead)
    return ModelScore(model, around, around, is_baseline=model != "forest", auc_ahead=paired, spearman_ahead=paired)


def _target(*scores: ModelScore, error: float | None = 0.02, base: float = 0.5) -> Target:
    return Target("activity", "forest", 1000, base, scores, (), error)


@pytest.mark.parametrize(
    ("rival", "place", "said"),
    [
        (_score("recency", 0.70), "better", "better than every simple rule"),
        (_score("recency", 0.79), "close", "may be chance"),
        (_score("recency", 0.79, ahead=(0.002, 0.018)), "better", "larger than chance"),
        (_score("recency", 0.70, ahead=(-0.01, 0.21)), "close", "may be chance"),
        (_score("recency", 0.80), "behind", "A simple rule does as well"),
        (_score("recency", 0.90), "worse", "A simple rule wins"),
        (_score("recency", 0.79, half=None), "close", "may be chance"),
    ],
)
def test_verdict_says_where_the_model_stands(rival, place, said):
    target = _target(_score("forest", 0.80), rival)
    assert standing(target, "auc")[0] == place
    assert said in verdict(target, EN)


def test_better_must_hold_against_every_rival_not_the_best_alone():
    close = _score("frequency", 0.78, ahead=(-0.001, 0.04))
    best = _score("recency", 0.79, ahead=(0.002, 0.018))
    assert standing(_target(_score("forest", 0.80), best, close), "auc")[0] == "close"


def test_rival_ahead_by_rank_is_named_although_auc_is_ahead():
    rival = ModelScore("frequency", Interval(0.7, 0.69, 0.71), Interval(0.9, 0.89, 0.91))
    assert "By rank correlation, “Frequency alone”" in verdict(_target(_score("forest", 0.8), rival), EN)


def test_rival_ahead_by_rank_only_through_ties_is_said_to_be_so():
    rival = ModelScore(
        "frequency",
        Interval(0.7, 0.69, 0.71),
        Interval(0.9, 0.89, 0.91),
        spearman_ahead=Interval(-0.1, -0.11, -0.09),
        spearman_untied_ahead=Interval(0.1, 0.09, 0.11),
    )
    assert "only because it gives many shoppers the same score" in verdict(_target(_score("forest", 0.8), rival), EN)


@pytest.mark.parametrize(
    ("error", "base", "said"),
    [
        (0.02, 0.5, "taken at face value"),
        (0.018, 0.03, "which is much where only 3% come true"),
        (0.08, 0.5, "with care"),
    ],
)
def test_percentages_are_trusted_as_far_as_they_came_true(error, base, said):
    assert said in verdict(_target(_score("forest", 0.8), error=error, base=base), EN)


def test_model_without_rivals_or_scores_is_said_to_be_so():
    assert "No simple rule was measured" in verdict(_target(_score("forest", 0.8)), EN)
    assert "its quality is unknown" in verdict(_target(_score("recency", 0.8)), EN)
    assert "its quality is unknown" in verdict(_target(_score("forest", math.nan)), EN)


@given(SHARES, st.lists(SHARES, min_size=1, max_size=5))
def test_better_and_worse_agree_with_the_figures(ours, rivals):
    scores = [_score(f"rule {i}", auc) for i, auc in enumerate(rivals)]
    place, best = standing(_target(_score("forest", ours), *scores), "auc")
    assert best is not None
    assert best.auc.value == max(rivals)
    assert place != "better" or ours > max(rivals)
    assert place not in ("worse", "behind") or ours <= max(rivals)
