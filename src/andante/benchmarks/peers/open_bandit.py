"""The peer ``obp`` 0.4.1: its estimates on its own sample, for a policy that it simulates from its own priors.

Run by the peer's own interpreter: an order comes as JSON on standard input, the answer goes as JSON to standard output.
The loader, the simulated policy and the estimators are the peer's. Two things stand in its way in any environment of
today, and neither touches what is computed: ``torch`` is imported for estimators of tensors, which are not asked for,
so an empty module takes its place; and ``pre_process``, which the loader documents as the place for own features, is
left out, as it calls pandas in a way that pandas 2 removed.
"""

import json
import sys
from types import ModuleType
from typing import Any

SIMULATIONS = 100_000
"""How often the peer draws its policy's choice, to count its probabilities: as in its own examples."""


def main() -> None:
    """Do what is ordered."""
    json.dump(answer(**json.load(sys.stdin)), sys.stdout)


def answer(*, campaigns: list[str], expected: dict[str, Any], switch: float, seed: int) -> dict[str, Any]:
    """Return, for each campaign, the simulated policy and the estimates of it from the random log.

    ``expected`` holds for each campaign the expected clicks [items, places] that all estimators with a model are given.
    """
    from importlib.metadata import version

    _without_torch()
    found = {name: _campaign(name, expected[name], switch, seed) for name in campaigns}
    versions = {name: version(name) for name in ("obp", "numpy", "pandas", "scikit-learn")}
    return {"versions": versions, "python": sys.version.split()[0], "switch": switch, "seed": seed, "campaigns": found}


def _campaign(name: str, expected: list[list[float]], switch: float, seed: int) -> dict[str, Any]:
    import numpy as np
    from obp import ope
    from obp.policy import BernoulliTS

    log, other = _feedback("random", name), _feedback("bts", name)
    rounds, items = log["n_rounds"], len(expected)
    policy = BernoulliTS(n_actions=items, len_list=3, is_zozotown_prior=True, campaign=name, random_state=seed)
    chances = policy.compute_batch_action_dist(n_rounds=1, n_sim=SIMULATIONS)
    given = {
        "reward": log["reward"],
        "action": log["action"],
        "position": log["position"],
        "pscore": log["pscore"],
        "action_dist": np.tile(chances, (rounds, 1, 1)),
        "estimated_rewards_by_reg_model": np.tile(np.array(expected), (rounds, 1, 1)),
    }
    estimators = {
        "IPS": ope.InverseProbabilityWeighting(),
        "SNIPS": ope.SelfNormalizedInverseProbabilityWeighting(),
        "DM": ope.DirectMethod(),
        "DR": ope.DoublyRobust(),
        "SWITCH-DR": ope.SwitchDoublyRobust(tau=switch),
    }
    return {
        "policy": chances[0].tolist(),
        "estimates": {kind: float(one.estimate_policy_value(**given)) for kind, one in estimators.items()},
        "clicks_per_decision": {"random": float(log["reward"].mean()), "bts": float(other["reward"].mean())},
    }


def _feedback(logged: str, campaign: str) -> Any:
    """Read a log by the peer's own loader."""
    from pathlib import Path

    import obp
    from obp.dataset import OpenBanditDataset

    class Plain(OpenBanditDataset):
        """The loader without its features."""

        context = action_context = None

        def pre_process(self) -> None:
            """Make none."""

    folder = Path(obp.__file__).parent / "dataset" / "obd"
    return Plain(behavior_policy=logged, campaign=campaign, data_path=folder).obtain_batch_bandit_feedback()


def _without_torch() -> None:
    """Let ``import torch`` and classes of its modules be found, where it is not installed."""
    from importlib.util import find_spec

    if find_spec("torch") is not None:
        return
    for name in ("torch", "torch.nn", "torch.optim"):
        module: Any = ModuleType(name)
        module.__getattr__ = lambda _: _Missing
        sys.modules[name] = module


class _Named(type):
    def __getattr__(cls, name: str) -> type:
        """Let every name within a missing class be found: annotations name some."""
        if name.startswith("__"):
            raise AttributeError(name)
        return cls


class _Missing(metaclass=_Named):
    """What stands for every class of torch."""


if __name__ == "__main__":
    main()
