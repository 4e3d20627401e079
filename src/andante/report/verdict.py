"""The verdict: whether a model can be trusted, in plain words, and as plainly when a baseline wins."""

import math
from collections.abc import Sequence
from typing import Literal

from andante.report.summary import Interval, ModelScore, Target
from andante.report.words import Words

CALIBRATED_ERROR_MAX = 0.05
"""Up to this expected calibration error, a predicted percentage can be taken at face value ..."""
CALIBRATED_PART_MAX = 0.25
"""... unless the error is more than this part of how often it comes true at all (or does not)."""

Metric = Literal["auc", "spearman"]
Standing = Literal["alone", "better", "close", "behind", "worse"]


def chosen(target: Target) -> ModelScore | None:
    """Return the score of the model that the run uses, if it was measured."""
    measured = (score for score in target.scores if math.isfinite(score.auc.value))
    return next((score for score in measured if score.model == target.model), None)


def standing(target: Target, metric: Metric) -> tuple[Standing, ModelScore | None]:
    """Say where the chosen model stands by a metric, and which rival does best.

    ``better`` and ``worse`` are said only where the difference is beyond chance: its interval on the same resamples
    does not hold zero, or, where there is none, the two intervals do not overlap. ``close`` is ahead and ``behind``
    is not, both within chance.
    """
    ours = chosen(target)
    rivals = [s for s in target.scores if s.model != target.model and math.isfinite(_of(s, metric).value)]
    if ours is None or not rivals:
        return "alone", None
    best = max(rivals, key=lambda score: _of(score, metric).value)
    if all(_ahead(ours, rival, metric) > 0 for rival in rivals):
        return "better", best
    if _ahead(ours, best, metric) < 0:
        return "worse", best
    return ("close" if _of(ours, metric).value > _of(best, metric).value else "behind"), best


def verdict(target: Target, words: Words) -> str:
    """Say in one to three sentences how far to trust what is predicted."""
    ours = chosen(target)
    if ours is None:
        return words.text("verdict.none")
    place, best = standing(target, "auc")
    parts = [
        words.text(
            f"verdict.{place}",
            model=words.known("models", ours.model),
            best=words.known("models", best.model) if best else "",
            does=words.variant("verdict.does", target.name),
            auc=words.exact(ours.auc.value, 3),
            best_auc=words.exact(best.auc.value, 3) if best else "",
        )
    ]
    by_rank, rival = standing(target, "spearman")
    if rival and by_rank in ("behind", "worse") and place in ("better", "close"):
        value, best_value = words.exact(ours.spearman.value, 3), words.exact(rival.spearman.value, 3)
        key = "verdict.spearman_tied" if _lead(rival.spearman_untied_ahead) > 0 else "verdict.spearman_lost"
        name = words.known("models", rival.model)
        parts.append(words.text(key, best=name, value=value, best_value=best_value))
    if target.calibration_error is not None:
        parts.append(_calibrated(target.calibration_error, target.positive_share, words))
    return words.join(parts)


def _calibrated(error: float, base: float, words: Words) -> str:
    """Say whether predicted percentages can be taken at face value, measured against how rare the case is."""
    points, share = words.decimal(100 * error), words.percent(base)
    if error > CALIBRATED_ERROR_MAX:
        return words.text("verdict.uncalibrated", error=points)
    fine = error <= CALIBRATED_PART_MAX * min(base, 1 - base)
    return words.text("verdict.calibrated" if fine else "verdict.rough", error=points, base=share)


def _of(score: ModelScore, metric: Metric) -> Interval:
    """Return a score's figure by one metric."""
    return score.auc if metric == "auc" else score.spearman


def _ahead(ours: ModelScore, rival: ModelScore, metric: Metric) -> int:
    """Return 1 where we are ahead beyond chance, -1 where the rival is, else 0."""
    paired = rival.auc_ahead if metric == "auc" else rival.spearman_ahead
    if paired is not None:
        return _lead(paired)
    us, them = _of(ours, metric), _of(rival, metric)
    if us.low is None or us.high is None or them.low is None or them.high is None:
        return 0
    return (us.low > them.high) - (us.high < them.low)


def _lead(difference: Interval | None) -> int:
    """Return the sign of a difference that its interval leaves no doubt of, else 0."""
    if difference is None or difference.low is None or difference.high is None:
        return 0
    return (difference.low > 0) - (difference.high < 0)


def best_first(scores: Sequence[ModelScore], metric: Metric) -> list[ModelScore]:
    """Return the scores that could be measured, best first."""
    return sorted((s for s in scores if math.isfinite(_of(s, metric).value)), key=lambda s: -_of(s, metric).value)
