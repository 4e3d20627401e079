"""Policies by name: the engine's own, and those that it is measured against."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from andante.baselines import catalogue
from andante.baselines.constant import NoPush, Pace
from andante.runners.simulating.step_policy import StepPolicy
from andante.settings import Settings
from andante.vocabulary.fault import InputFault
from andante.worlds.catalogue import nature, world
from andante.worlds.loop import live

if TYPE_CHECKING:
    from collections.abc import Mapping

    from andante.worlds.contract import Policy

NONE, ANDANTE = "none", "andante"

OWN: Mapping[str, str] = {
    NONE: "Nobody is pushed.",
    "pace-K": "Everybody gets K pushes a week, evenly over the days; K may be 2.5.",
    ANDANTE: "The engine: as it is configured, with its defaults for what is not.",
    "andante-pace-K": "The engine with a plan of K pushes a week for everybody.",
}
"""The names beside those of :data:`andante.baselines.catalogue.NAMES`, with what each does."""

TRAINING_USERS = 10_000
"""Baselines learn from worlds of the same kind with so many other users, however few are judged."""

PACES = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0])
"""The constant paces among which the oracle chooses, in pushes a week."""

HEADROOM = 2.0
"""Under a budget, the pace of who has no plan, in budgets: the shadow price needs something to choose from."""

_PACED = re.compile(r"(pace|andante-pace)-(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how a policy is to be judged."""

    world: str
    users: int
    weeks: int
    seed: int
    budget: float | None = None  # pushes per user-week
    settings: Settings | None = None  # of the engine; its defaults, unless given
    threads: int = 1  # of the engine


def policies() -> dict[str, str]:
    """Return every name of a policy, with what it does in one sentence."""
    return {**OWN, **catalogue.NAMES}


def policy(name: str, setting: Setting) -> Policy:
    """Return a policy by its name, trained where it has to be. Raises InputFault for a name that is none."""
    paced = _PACED.fullmatch(name)
    if name == NONE:
        return NoPush()
    if paced is not None and paced[1] == "pace":
        return Pace(float(paced[2]), setting.seed)
    if name == ANDANTE or paced is not None:
        per_week = None if paced is None else float(paced[2])
        return StepPolicy(engine_settings(setting, per_week), threads=setting.threads)
    if name not in catalogue.NAMES:
        raise InputFault("the policy", name, "is unknown", f"choose of {', '.join(policies())}")
    return catalogue.policy(name, seed=setting.seed, budget=setting.budget, training=_training(name, setting))


def engine_settings(setting: Setting, per_week: float | None = None) -> Settings:
    """Return what the engine decides by: what was configured, with the seed, the budget and the pace of this job.

    A budget is held by a live shadow price. Where no pace was configured, users without a plan then have
    ``HEADROOM`` times the budget, for the price to choose among their pushes.
    """
    settings = setting.settings or Settings()
    pacing, budget = settings.pacing, settings.budget
    if setting.budget is not None:
        budget = budget.model_copy(update={"per_user_week": setting.budget, "controller": True})
        if "default_per_week" not in pacing.model_fields_set and per_week is None:
            per_week = HEADROOM * setting.budget
    if per_week is not None:
        paced = {"default_per_week": per_week, "most_per_week": max(per_week, pacing.most_per_week)}
        pacing = pacing.model_copy(update=paced)
    engine = settings.engine.model_copy(update={"seed": setting.seed})
    return settings.model_copy(update={"pacing": pacing, "budget": budget, "engine": engine})


def _training(name: str, setting: Setting) -> catalogue.Training:
    """Return what a baseline may learn from: other users of the same world; the oracle, the judged ones' truth."""
    training = catalogue.Training(
        lives=lambda learner, seed: live(world(setting.world, TRAINING_USERS, setting.weeks, seed), learner)
    )
    if name not in catalogue.TOLD:
        return training
    from andante.worlds.truth import expected  # noqa: PLC0415  only the oracle is told

    told = expected(nature(setting.world), setting.users, setting.weeks, setting.seed, PACES)
    return replace(training, paces=PACES, curves=told.value[:, :, 0], curve_sends=told.sends[:, :, 0] / setting.weeks)
