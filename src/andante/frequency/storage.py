"""Interest models on disk, without pickle: the forest as LightGBM's text, small models as JSON of what they learned.

A folder holds ``interest.json`` with the family's class and version; opening one runs no code that the folder brings.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from andante.frequency.forest import ForestInterest
from andante.frequency.linear import LinearInterest
from andante.frequency.thresholds import ThresholdInterest
from andante.vocabulary.fault import SettingsFault, UnreadableInput

VERSION = 1
FILE = "interest.json"

SMALL = {kind.__name__: kind for kind in (LinearInterest, ThresholdInterest)}
"""The only classes that a folder may name beside the forest."""


def save_interest(model: Any, folder: Path) -> None:
    """Write a fitted interest model into a folder, which is made.

    Raises :class:`SettingsFault` for a model of a family that has no form on disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kind = type(model).__name__
    stored: dict[str, Any] = {"version": VERSION, "kind": kind}
    if isinstance(model, ForestInterest):
        model.save(folder)
    elif kind in SMALL:
        learned = {name: value for name, value in vars(model).items() if name.endswith("_")}
        stored |= {"parameters": model.get_params(), "learned": {k: _plain(v) for k, v in learned.items()}}
    else:
        raise SettingsFault("model", kind, "cannot be written without pickle", "use forest, linear or thresholds")
    (folder / FILE).write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", "utf-8")


def load_interest(folder: Path) -> Any:
    """Read a model that :func:`save_interest` wrote, or raise :class:`UnreadableInput`."""
    path = folder / FILE
    try:
        stored = json.loads(path.read_text("utf-8"))
        version, kind = stored["version"], stored["kind"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableInput("model", path, "is not there or not whole", "run `andante run` again") from error
    if version != VERSION or (kind not in SMALL and kind != ForestInterest.__name__):
        raise UnreadableInput(
            "model",
            f"{path}: {kind}, version {version}",
            "is none that this Andante reads",
            "run `andante run` again",
        )
    if kind == ForestInterest.__name__:
        return ForestInterest.load(folder)
    model = SMALL[kind](**stored["parameters"])
    for name, value in stored["learned"].items():
        setattr(model, name, np.asarray(value) if isinstance(value, list) else value)
    return model


def _plain(value: Any) -> Any:
    """Return a learned value as JSON can hold it."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
