"""The Open Bandit sample: recommendations of a fashion shop, logged under two policies in the same week of 2019.

One log was written by a uniformly random policy, the other by Thompson sampling: 10,000 rows of each in three
campaigns, with the place on the page, the click, and the propensity. The sample comes inside the package ``obp``
(0.4.1), whose code is not needed and not run.

Source: Saito, Aihara, Matsutani and Narita 2020, "Open Bandit Dataset and Pipeline".
"""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from andante.evaluation.offpolicy.decisions import Decisions, Floats, Ints
from andante.vocabulary.fault import EmptyInput, MissingExtra, SettingsFault

CAMPAIGNS = ("all", "men", "women")
Logged = Literal["random", "bts"]

PLACES = 3
"""Places on the page, each with one recommendation."""
SHRINKAGE = 100.0
"""Decisions at the log's mean that an item's share of clicks is mixed with."""


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """One policy's log of one campaign, in order of time. All columns have the shape [decisions].

    The sample names no users. It is some 1 in 1,000 of all that was shown, so two of its rows are hardly ever of one
    user, and each row stands for a user of its own.
    """

    item: Ints
    place: Ints  # 0, 1 or 2
    click: Floats
    propensity: Floats
    items: int  # how many there were to choose from

    def frequencies(self) -> Floats:
        """Return how often each item was shown at each place: [items, places], each place's sum 1.

        These are the policy's mean probabilities over the week without bias, whatever they depended on. The mean of the
        logged propensities would not be: a high one is logged more often, as the item is then shown more often.
        """
        shown = self._table(np.ones(len(self.item)))
        frequencies: Floats = shown / shown.sum(axis=0)
        return frequencies

    def expectations(self) -> Floats:
        """Return each item's share of clicks at each place, shrunk towards the log's: [items, places].

        A model for the agreement of estimators on equal terms. It has seen what it expects.
        """
        shown, clicked = self._table(np.ones(len(self.item))), self._table(self.click)
        return (clicked + SHRINKAGE * float(self.click.mean())) / (shown + SHRINKAGE)

    def decisions(self, policy: Floats, *, expected: Floats | None = None) -> Decisions:
        """Return the log as decisions under another policy: its probabilities, and expected clicks, [items, places]."""
        taken = target = None
        if expected is not None:
            taken, target = expected[self.item, self.place], (policy * expected).sum(axis=0)[self.place]
        return Decisions(
            reward=self.click,
            propensity=self.propensity,
            target=policy[self.item, self.place],
            user=np.arange(len(self.item)),
            expected_taken=taken,
            expected_target=target,
        )

    def _table(self, values: Floats) -> Floats:
        """Return the sum of the rows' values for each item at each place."""
        table: Floats = np.zeros((self.items, PLACES))
        np.add.at(table, (self.item, self.place), values)
        return table


def open_bandit(campaign: str = "all", *, policy: Floats | None = None, folder: Path | None = None) -> Decisions:
    """Return the random log of a campaign as decisions under another policy: [items, places] of probabilities.

    Without ``policy`` it is Thompson sampling as its own log shows it: how often it showed each item at each place.
    ``folder`` is one like ``obp/dataset/obd``; None finds the sample in the installed package.
    Raises as ``load``.
    """
    logged = load(campaign, "random", folder=folder)
    return logged.decisions(load(campaign, "bts", folder=folder).frequencies() if policy is None else policy)


def load(campaign: str, logged: Logged, *, folder: Path | None = None) -> Log:
    """Read one policy's log of one campaign ("all", "men" or "women").

    Raises SettingsFault for a campaign that is none, MissingExtra without the package ``obp``, and EmptyInput where the
    file is not in the folder.
    """
    if campaign not in CAMPAIGNS:
        raise SettingsFault("the campaign", campaign, "is none of the sample", f"name one of {', '.join(CAMPAIGNS)}")
    place = (folder or _installed()) / logged / campaign / f"{campaign}.csv"
    if not place.is_file():
        raise EmptyInput("the log", place, "is not there", "name the folder that holds random/ and bts/")
    columns = ["timestamp", "item_id", "position", "click", "propensity_score"]
    rows = pd.read_csv(place, usecols=columns).sort_values("timestamp", kind="stable")
    contexts = pd.read_csv(place.with_name("item_context.csv"), usecols=["item_id"])
    return Log(
        item=rows["item_id"].to_numpy(np.int64),
        place=rows["position"].to_numpy(np.int64) - 1,
        click=rows["click"].to_numpy(np.float64),
        propensity=rows["propensity_score"].to_numpy(np.float64),
        items=len(contexts),
    )


def _installed() -> Path:
    """Find the sample among the files of the installed package, without importing it."""
    try:
        package = distribution("obp")
    except PackageNotFoundError as missing:
        action = "install it without what it depends on: pip install --no-deps obp==0.4.1"
        raise MissingExtra(
            "the Open Bandit sample", None, "comes in the package obp, which is not here", action
        ) from missing
    return Path(str(package.locate_file("obp/dataset/obd")))
