"""Refusals: what is wrong with something that a caller gave, where, and what to write instead.

``msgspec`` says what it expected and at which path; here its words become ours: a path as the caller would write it,
the value found there, the problem and the next action.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import Struct

from andante.live import admission_shapes as shapes
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import CANDIDATES_MAX
from andante.vocabulary.records import Rejection
from andante.vocabulary.state import SLOTS

REFUSED = (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError)
"""What ``msgspec`` raises when it converts or writes something that a caller gave."""

SHOWN_MAX = 60
PLACE_MAX = 4
"""The most steps to something that holds text: requests, 17, candidates, 2."""

_TIME = "write it as RFC 3339 with a zone, such as 2026-03-01T09:00:00Z"
_AMOUNT = "give a finite number of 0 or more"
_DIAL = f"give a whole number from 0 to {SLOTS}; a record counts no more"
ACTIONS = {
    "": "give an object",
    "requests": "give an object for each request",
    "plan": "give an object for each user",
    "at": _TIME,
    "expires_at": _TIME,
    "paused_until": _TIME,
    "value": _AMOUNT,
    "relevance": _AMOUNT,
    "theta": _AMOUNT,
    "rating": "give a number from 1 to 5",
    "interest": "give a number from 0 to 1",
    "plan_per_week": f"give pushes per week, from 0 to {shapes.PER_WEEK_MAX:g}",
    "candidates": f"give a list of 1 to {CANDIDATES_MAX} candidates",
    "consent": "give true or false for each channel",
    "categories": "give true or false for each category",
    "quiet_hours": 'give {"start": "22:00", "end": "08:00"}, or null for none of your own',
    "start": "write it as HH:MM, such as 22:00",
    "end": "write it as HH:MM, such as 08:00",
    "time_zone": 'write its IANA name, such as "Asia/Shanghai"',
    "max_per_day": _DIAL,
    "max_per_week": _DIAL,
    "member": "give true or false",
    "profiling": "give true or false",
    "query": f"give text of at most {shapes.QUERY_MAX} characters",
}
_OTHERWISE = f"give text of 1 to {shapes.TEXT_MAX} characters"
_WORDS = {
    "str": "text",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "array": "a list",
    "list": "a list",
    "tuple": "a list",
    "object": "an object",
    "dict": "an object",
    "datetime": "a time",
    "null": "null",
}
_NESTED: dict[str, type[Struct]] = {
    "requests": shapes.Request,
    "plan": shapes.PlanEntry,
    "candidates": shapes.Candidate,
    "quiet_hours": shapes.QuietHours,
}

_MESSAGE = re.compile(r"(?s)(?P<said>.*?)(?: - at (?:`key` in )?`\$(?P<path>.*)`)?\Z")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_WRONG_TYPE = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN = re.compile(r"(?s)Object contains unknown field `(.*)`")
_LENGTH = re.compile(r"Expected `\w+` of length (<=|>=) (\d+)")
_BOUND = re.compile(r"Expected `\w+` (<=|>=) (.+)")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that is not taken: its place, the value found, the problem and the next action."""

    place: tuple[str | int, ...]
    value: str | None
    problem: str
    action: str

    @property
    def field(self) -> str:
        """The place as a caller would write it: ``candidates[2].relevance``."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.place)
        return "".join(steps).removeprefix(".").encode("utf-8", "backslashreplace").decode()

    def fault(self, within: str = "") -> InputFault:
        """Return it as a fault of a whole call; ``within`` says where its place begins."""
        place = f"{within}.{self.field}" if within and self.field and self.field[0] != "[" else within + self.field
        return InputFault(place, self.value, self.problem, self.action)

    def rejection(self, index: int) -> Rejection:
        """Return it as the rejection of one thing of a list."""
        found = "" if self.value is None else f"{self.value} "
        return Rejection(index=index, field=self.field, problem=f"{found}{self.problem}: {self.action}")


def shown(value: object) -> str | None:
    """Return a value as a fault shows it: short, on one line, and never at the cost of a crash.

    >>> shown("a" * 99), shown([1]), shown(None)
    ("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...", 'list', None)
    """
    if value is None:
        return None
    if type(value) is str:
        text = repr(value[:SHOWN_MAX])
    elif type(value) is datetime:
        text = value.isoformat()
    elif type(value) in {bool, float} or (type(value) is int and value.bit_length() < SHOWN_MAX):
        text = str(value)
    else:
        text = type(value).__name__
    return text if len(text) <= SHOWN_MAX else f"{text[: SHOWN_MAX - 3]}..."


def explained(error: Exception, given: object, shape: type[Struct]) -> Refusal:
    """Return what ``msgspec`` found wrong with something given, of this shape, in our words."""
    if not isinstance(error, msgspec.ValidationError):
        return _unwritable(given)
    match = _MESSAGE.match(str(error))
    said, path = ("", "") if match is None else (match["said"], match["path"] or "")
    place: tuple[str | int, ...] = tuple(name or int(number) for name, number in _STEP.findall(path))
    if missing := _MISSING.match(said):
        place = (*place, missing[1])
        return Refusal(place, None, "is missing", ACTIONS.get(missing[1], _OTHERWISE))
    if unknown := _UNKNOWN.match(said):
        return _unknown(place, unknown[1], shape)
    if "`key` in" in str(error):
        return Refusal(place, None, "has a name that is not text of 1 to 512 characters", "write every name as text")
    value = _found(given, place)
    last = next((step for step in reversed(place) if isinstance(step, str)), "")
    return Refusal(place, shown(value), _problem(said, value), ACTIONS.get(last, _OTHERWISE))


def late(at: datetime | None, *place: str | int) -> Refusal:
    """Return the refusal of a time that is outside the range that is taken, or has a zone without an offset."""
    if at is not None and at.utcoffset() is None:
        return Refusal(place, shown(at), "has no zone", _TIME)
    return Refusal(place, shown(at), "is out of range", "give a time from 1970-01-02 through 2105-12-31")


def nearest(word: str, words: list[str], otherwise: str) -> str:
    """Return the action for an unknown word: the one it may have meant, or else all there are."""
    near = get_close_matches(word[:SHOWN_MAX], words, n=1)
    return f"did you mean {near[0]}?" if near else f"{otherwise} {', '.join(words)}"


def _unknown(place: tuple[str | int, ...], field: str, shape: type[Struct]) -> Refusal:
    last = next((step for step in reversed(place) if isinstance(step, str)), "")
    fields = list(_NESTED.get(last, shape).__struct_fields__)
    return Refusal((*place, field[:SHOWN_MAX]), None, "is an unknown field", nearest(field, fields, "use one of"))


def _found(given: object, place: tuple[str | int, ...]) -> object:
    """Return what stands at a place of something given."""
    for step in place:
        if isinstance(given, Mapping):
            given = given.get(step)
        elif isinstance(step, int) and isinstance(given, list | tuple) and step < len(given):
            given = given[step]
        else:
            given = getattr(given, str(step), None)
    return given


def _problem(said: str, value: Any) -> str:
    """Return the problem with a value in words that go on from the value."""
    if wrong := _WRONG_TYPE.match(said):
        wanted, got = ([_WORDS.get(word, word) for word in group.split(" | ")] for group in wrong.groups())
        return f"is {got[0]}, not {' or '.join(wanted)}"
    if length := _LENGTH.match(said):
        return _out_of_length(value, length[1], length[2])
    if bound := _BOUND.match(said):
        return _out_of_bound(value, bound[1], bound[2])
    return next((problem for sign, problem in _PROBLEMS.items() if sign in said), "is out of range")


_PROBLEMS = {"timezone": "has no zone", "RFC3339": "is no RFC 3339 time", "regex": "is not HH:MM"}


def _out_of_length(value: Any, side: str, bound: str) -> str:
    if side == ">=":
        return "is empty"
    what = "characters" if isinstance(value, str) else "of them"
    return f"has {len(value)} {what}, more than {bound}" if hasattr(value, "__len__") else "is too long"


def _out_of_bound(value: Any, side: str, bound: str) -> str:
    if value != value:  # noqa: PLR0124  NaN alone differs from itself, whatever type carries it
        return "is not a number"
    if value in {float("inf"), float("-inf")}:
        return "is not finite"
    return f"is {'above' if side == '<=' else 'below'} {float(bound):g}"


def _unwritable(given: object) -> Refusal:
    """Return the refusal of something that has the right shape and cannot be written as UTF-8 JSON."""
    place = _broken(given, ())
    if place is None:
        return Refusal((), shown(given), "cannot be read", "give plain text, numbers, lists and objects")
    return Refusal(place, shown(_found(given, place)), "is not text that UTF-8 can carry", "send well-formed Unicode")


def _broken(given: object, place: tuple[str | int, ...]) -> tuple[str | int, ...] | None:
    """Return the place of the first text that UTF-8 cannot carry, a name or a value: it holds a lone surrogate."""
    if isinstance(given, str):
        return place if any("\ud800" <= letter <= "\udfff" for letter in given) else None
    if len(place) > PLACE_MAX:
        return None
    steps: list[tuple[Any, Any]] = []
    if isinstance(given, Mapping):
        steps = [(name, name) for name in given] + list(given.items())
    elif isinstance(given, list | tuple):
        steps = list(enumerate(given))
    for step, value in steps:
        found = _broken(value, (*place, step if isinstance(step, int) else str(step)))
        if found is not None:
            return found
    return None
