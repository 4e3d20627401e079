"""Interest models on disk, without pickle: the forest as LightGBM's text, small models as JSON of what they learned.

A folder holds ``interest.json`` with the family and version; opening one runs no code that the folder brings. A family
from another package writes and reads itself, by the methods ``save(folder)`` and ``load(folder)`` of its estimator.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from andante.frequency.families import interest_of
from andante.frequency.linear import LinearInterest
from andante.frequency.thresholds import ThresholdInterest
from andante.vocabulary.fault import SettingsFault, UnreadableInput

VERSION = 1
FILE = "interest.json"

SMALL = {kind.__name__: kind for kind in (LinearInterest, ThresholdInterest)}
"""The classes whose parameters and learned attributes are all that they are."""


def check_storable(model: Any, family: str) -> None:
    """Raise :class:`SettingsFault` for a model that could not be written once it has learned."""
    if type(model).__name__ not in SMALL and not (hasattr(model, "save") and hasattr(type(model), "load")):
        action = "give its estimator save(folder) and a class method load(folder), or use forest, linear or thresholds"
        raise SettingsFault("model", family, "cannot be written without pickle", action)


def save_interest(model: Any, family: str, folder: Path) -> None:
    """Write a fitted interest model of a family into a folder, which is made."""
    check_storable(model, family)
    folder.mkdir(parents=True, exist_ok=True)
    stored: dict[str, Any] = {"version": VERSION, "family": family}
    if type(model).__name__ in SMALL:
        learned = {name: _plain(value) for name, value in vars(model).items() if name.endswith("_")}
        stored |= {"kind": type(model).__name__, "parameters": model.get_params(), "learned": learned}
    else:
        model.save(folder)
    (folder / FILE).write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", "utf-8")


def load_interest(folder: Path, features: Sequence[str]) -> Any:
    """Read a model that :func:`save_interest` wrote for a matrix with these columns.

    Raises :class:`UnreadableInput` when there is none, or one of another version.
    """
    path, again = folder / FILE, "run `andante run` again"
    try:
        stored = json.loads(path.read_text("utf-8"))
        version, family = stored["version"], stored["family"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableInput("model", path, "is not there or not whole", again) from error
    if version != VERSION or stored.get("kind", "LinearInterest") not in SMALL:
        raise UnreadableInput("model", f"{path}, version {version}", "is none that this Andante reads", again)
    if "kind" not in stored:
        return type(interest_of(family, features, seed=0)).load(folder)
    model = SMALL[stored["kind"]](**stored["parameters"])
    for name, value in stored["learned"].items():
        setattr(model, name, np.asarray(value) if isinstance(value, list) else value)
    return model


def _plain(value: Any) -> Any:
    """Return a learned value as JSON can hold it."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
