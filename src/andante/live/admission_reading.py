"""Reading: what callers give, turned into strict shapes.

Dictionaries, typed records and objects with the same attributes are read alike. What NumPy and pandas put into
dictionaries (their own numbers, times and text) is made plain when the first reading fails, so that usual input pays
nothing for it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
from msgspec import Struct

from andante.live.admission_refusals import REFUSED, Refusal, explained
from andante.vocabulary.fault import InputFault

S = TypeVar("S", bound=Struct)

ENCODER = msgspec.json.Encoder()

DEPTH_MAX = 4
"""How deep the shapes are nested: list, request, candidates, candidate."""


@dataclass(frozen=True, slots=True)
class Read(Generic[S]):
    """The things of a list that have their shape, where each stood in it, and the refusals of the others."""

    things: list[S]
    index: list[int]
    refused: list[tuple[int, Refusal]]

    def without(self, refusals: list[Refusal | None]) -> "Read[S]":
        """Return what is left where there is no refusal. One of them, or None, for each thing."""
        if not any(refusals):
            return self
        kept = [i for i, refusal in enumerate(refusals) if refusal is None]
        dropped = [(self.index[i], refusal) for i, refusal in enumerate(refusals) if refusal is not None]
        return Read(
            [self.things[i] for i in kept],
            [self.index[i] for i in kept],
            sorted(self.refused + dropped, key=lambda pair: pair[0]),
        )


def read_one(given: object, shape: type[S]) -> S:
    """Return one thing in its shape. Raises one of REFUSED."""
    try:
        thing = msgspec.convert(given, shape, from_attributes=True)
        ENCODER.encode(thing)
    except REFUSED:
        thing = msgspec.convert(plain(given, DEPTH_MAX), shape, from_attributes=True)
        ENCODER.encode(thing)  # refuses a lone surrogate
    return thing


def read_each(given: object, shape: type[S], noun: str, check: Callable[[S], Refusal | None]) -> Read[S]:
    """Read a list in which every thing stands for itself: what cannot be taken is refused, and the others are read.

    ``check`` says what else is wrong with a thing that has its shape. Raises InputFault where ``given`` is no list.
    """
    items = listed(given, noun)
    try:
        things = msgspec.convert(items, list[shape], from_attributes=True)  # type: ignore[valid-type]
        ENCODER.encode(things)
        read = Read(things, list(range(len(items))), [])
    except REFUSED:
        read = _one_by_one(items, shape)
    return read.without([check(thing) for thing in read.things])


def _one_by_one(items: list[Any], shape: type[S]) -> Read[S]:
    read: Read[S] = Read([], [], [])
    for i, item in enumerate(items):
        try:
            read.things.append(read_one(item, shape))
            read.index.append(i)
        except REFUSED as error:
            read.refused.append((i, explained(error, plain(item, DEPTH_MAX), shape)))
    return read


def listed(given: object, noun: str, action: str = "") -> list[Any]:
    """Return a list of things as a list. Raises InputFault where it is none."""
    if isinstance(given, list):
        return given
    if isinstance(given, tuple):
        return list(given)
    raise InputFault(noun, type(given).__name__, "is no list", action or f"give a list of {noun}")


def written(bodies: Iterable[Struct]) -> list[str]:
    """Return each body as JSON."""
    encode = ENCODER.encode
    return [encode(body).decode() for body in bodies]


def plain(given: Any, depth: int) -> Any:
    """Return something given with NumPy's and pandas' values as Python's own, down to a depth.

    >>> plain({"value": np.float32(0.5), "ids": (np.str_("a"),)}, 2)
    {'value': 0.5, 'ids': ['a']}
    """
    if isinstance(given, Struct) and depth:
        given = msgspec.structs.asdict(given)
    if isinstance(given, Mapping) and depth:
        return {plain(key, 0): plain(value, depth - 1) for key, value in given.items() if value is not msgspec.UNSET}
    if isinstance(given, list | tuple) and depth:
        return [plain(value, depth - 1) for value in given]
    return _plain_value(given)


def _plain_value(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str):
        return str.__str__(value)  # an enumeration's member, or another subclass, as the text that it holds
    if isinstance(value, datetime) and type(value) is not datetime and value == value:  # noqa: PLR0124  NaT differs
        parts = (value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
        return datetime(*parts, tzinfo=value.tzinfo, fold=value.fold)
    return value
