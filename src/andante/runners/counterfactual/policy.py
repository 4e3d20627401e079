"""The policy that a log is asked about: a cap, a pace, no push at all, another configuration, or the logged one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from andante.live.names import KINDS
from andante.live.parameters import compile_parameters, same
from andante.settings import Cap, Settings, load
from andante.vocabulary.fault import InputFault
from andante.vocabulary.parameters import CAP_CATEGORY, CAP_CHANNEL, CAP_GLOBAL, CAPS_MAX, PARAMETERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.live.names import Names

FORMS = "logged, none, pace=3, cap=5/P7D, cap=category:promotion:2/P1D, or a configuration file that ends in .toml"
"""What may be asked, as a fault says it."""

PACED = (
    *("default_per_week", "least_per_week", "most_per_week", "burst", "adjusts", "adjust_rate"),
    *("arms", "arm_per_week", "explore"),
)
"""Parameters that make the pace. It fills credit over days, so no single decision shows what another one would do."""

LEARNED = (
    *("evidence_half_life_s", "counts_half_life_s", "rhythm_half_life_s", "fatigue_half_life_s"),
    *("habituation_half_life_s", "visit_weight", "refusal_weight", "interest_rate"),
)
"""Parameters by which records gathered what they hold: they stand as they were logged."""

KEPT = ("version", "seed", "holdout", *PACED, *LEARNED)
"""What a judged configuration does not change. The seed and the holdout say who drew what, which has happened."""

_CAP = re.compile(r"cap=(?:(?P<scope>.+):)?(?P<limit>\d+)/(?P<window>P\w+)")
_PACE = re.compile(r"pace=(?P<per_week>\d+(?:\.\d+)?)")
_CAP_KINDS = {"global": CAP_GLOBAL, "category": CAP_CATEGORY, "channel": CAP_CHANNEL}


class Asked(StrEnum):
    """The kind of a policy."""

    LOGGED = "logged"
    NONE = "none"
    PACE = "pace"
    CAP = "cap"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class JudgedPolicy:
    """A policy that a log is asked about."""

    text: str  # as it was asked
    kind: Asked
    per_week: float | None = None
    cap: Cap | None = None
    settings: Settings | None = None

    def parameters(self, logged: NDArray[np.void], names: Names) -> NDArray[np.void]:
        """Return the parameters of this policy where ``logged`` held, shape (1,) each.

        Raises InputFault for a cap on a category or channel that the log has never seen.
        """
        if self.cap is not None:
            return _with_cap(logged, self.cap, names)
        if self.settings is not None:
            return _kept(compile_parameters(self.settings, names, version=1, before=logged), logged)
        return logged

    def judged(self, logged: NDArray[np.void], names: Names) -> list[NDArray[np.void]]:
        """Return the parameters under which decisions are to be taken again, shape (1,) each.

        A cap has two: while it has room, and when it is full. Where it is looser than a logged one of the same scope
        and window it takes that one's place; any other logged cap holds as well.
        """
        if self.cap is None:
            return [self.parameters(logged, names)]
        return [_with_cap(logged, self.cap, names, loosen=True), _with_cap(logged, self.cap, names, limit=0)]

    def left_out(self, logged: NDArray[np.void], names: Names) -> tuple[str, ...]:
        """Return the parameters that this policy sets otherwise, but that are judged as they were logged."""
        if self.settings is None:
            return ()
        whole = compile_parameters(self.settings, names, version=1, before=logged)
        return tuple(name for name in (*PACED, *LEARNED) if whole[name].tobytes() != logged[name].tobytes())

    def changes(self, logged: NDArray[np.void], names: Names) -> bool:
        """Tell whether any single decision may come out otherwise than it was logged."""
        return not same(self.parameters(logged, names), logged)


def read_policy(text: str) -> JudgedPolicy:
    """Read what is asked. Raises InputFault for what is none of ``FORMS``, and SettingsFault for what it cannot mean.

    >>> read_policy("pace=3").per_week, read_policy("cap=category:promotion:2/P1D").cap.scope
    (3.0, 'category:promotion')
    """
    if text in {Asked.LOGGED, Asked.NONE}:
        return JudgedPolicy(text, Asked(text))
    if found := _PACE.fullmatch(text):
        return JudgedPolicy(text, Asked.PACE, per_week=float(found["per_week"]))
    if found := _CAP.fullmatch(text):
        wanted = {"scope": found["scope"] or "global", "limit": int(found["limit"]), "window": found["window"]}
        return JudgedPolicy(text, Asked.CAP, cap=load({"caps": [wanted]}, {}).caps[0])
    if text.endswith(".toml"):
        return JudgedPolicy(text, Asked.SETTINGS, settings=load(Path(text), {}))
    raise InputFault("policy", text, "is none that a log can be asked about", f"write {FORMS}")


def cap_code(cap: Cap, names: Names) -> tuple[int, int]:
    """Return the kind of a cap, and the code of what it counts. Raises InputFault where the log has never seen that."""
    kind, _, name = cap.scope.partition(":")
    if kind not in KINDS:
        return CAP_GLOBAL, 0
    code = names.find(kind, name)
    if code is None:
        near = names.nearest(kind, name)
        known = ", ".join(names.channels if kind == "channel" else names.categories)
        action = f"did you mean {near}?" if near else f"it has seen {known or 'none'}"
        raise InputFault(f"the {kind}", name, "is in no decision of this log", action)
    return _CAP_KINDS[kind], code


def _with_cap(
    logged: NDArray[np.void], cap: Cap, names: Names, *, limit: int | None = None, loosen: bool = False
) -> NDArray[np.void]:
    """Return parameters with one more cap, which takes the place of one of the same scope and window.

    ``limit`` stands for the cap's own; ``loosen`` takes it over only in place of one that is tighter.
    """
    kind, code = cap_code(cap, names)
    window_s = int(cap.window.total_seconds())
    changed = _copy(logged)
    one = changed[0]
    caps = int(one["caps"])
    place = caps
    for held in range(caps):
        alike = int(one["cap_kind"][held]), int(one["cap_code"][held]), int(one["cap_window_s"][held])
        if alike == (kind, code, window_s):
            place = held
    wanted = cap.limit if limit is None else limit
    if loosen and (place == caps or int(one["cap_limit"][place]) >= wanted):
        return changed
    if place == CAPS_MAX:
        raise InputFault("the cap", cap.scope, f"is one more than the {CAPS_MAX} there may be", "ask about one of them")
    one["cap_kind"][place], one["cap_code"][place] = kind, code
    one["cap_limit"][place], one["cap_window_s"][place] = wanted, window_s
    one["caps"] = max(caps, place + 1)
    return changed


def _kept(judged: NDArray[np.void], logged: NDArray[np.void]) -> NDArray[np.void]:
    changed = _copy(judged)
    for name in KEPT:
        changed[name] = logged[name]
    return changed


def _copy(parameters: NDArray[np.void]) -> NDArray[np.void]:
    """Return a copy of all bytes, those between the fields too."""
    return np.frombuffer(bytearray(parameters.tobytes()), PARAMETERS)
