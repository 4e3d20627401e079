"""Preferences as a record: what a user wants of us, key by key.

Each key of the standing preferences (``consent.push``, ``max_per_day``) is written by whoever spoke last, by ``at``.
So a call becomes entries, one a key; whoever keeps the ledger picks those that are news, and :func:`admit_standing`
makes the record of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import UNSET

from andante.live import admission_shapes as shapes
from andante.live.admission_reading import DEPTH_MAX, ENCODER, plain, read_one
from andante.live.admission_refusals import REFUSED, Refusal, explained, late, nearest, shown
from andante.live.instants import MICROSECONDS, instants, is_taken, micros
from andante.live.names import Names
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import (
    RECORD,
    SETS_DIAL_DAY,
    SETS_DIAL_WEEK,
    SETS_MEMBER,
    SETS_PAUSE,
    SETS_PROFILING,
    SETS_QUIET,
    SETS_ZONE,
    Kind,
)
from andante.vocabulary.state import MEMBER, NO_CLOCK, NO_DIAL, PROFILING_REFUSED

Entry = tuple[str, str]
"""A standing preference: its key, such as ``consent.push``, and its value as JSON."""

GROUPS = ("consent", "categories")
"""The preferences that hold a value for each of many names; their keys are ``group.name``."""


@dataclass(frozen=True, slots=True)
class AdmittedPreferences:
    """What one user wants, from one call or as it stands."""

    user_id: str
    at_us: int
    record: npt.NDArray[np.void]  # RECORD, shape [1]; number and user are left to whoever logs it
    entries: tuple[Entry, ...]
    body: str  # JSON


def admit_preferences(user_id: object, given: object, names: Names, *, now_us: int) -> AdmittedPreferences:
    """Return what a user asks for in one call. What is absent stays as it was.

    Raises InputFault, naming the place (``preferences.quiet_hours.start``), the value, the problem and the fix.
    """
    user = admit_user_id(user_id)
    try:
        wanted = read_one(given, shapes.Preferences)
    except REFUSED as error:
        raise explained(error, plain(given, DEPTH_MAX), shapes.Preferences).fault("preferences") from None
    for field in ("at", "paused_until"):
        at = getattr(wanted, field)
        if isinstance(at, datetime) and not is_taken(at):
            raise late(at, field).fault("preferences")
    at_us = now_us if wanted.at is None else micros(wanted.at)
    return admit_standing(user, _entries(wanted), names, at_us=at_us)


def admit_standing(user_id: str, entries: Iterable[Entry], names: Names, *, at_us: int) -> AdmittedPreferences:
    """Return the record that sets these keys and no others: those of one call that are news, or all that stand.

    The entries are those of :func:`admit_preferences`, or were. Raises InputFault where a name has no code.
    """
    kept = tuple(entries)
    record = np.zeros(1, RECORD)
    record["kind"] = Kind.PREFERENCES
    _, record["at_s"], record["ceil"] = instants([at_us])
    record["zone"] = record["quiet_start_min"] = record["quiet_end_min"] = NO_CLOCK
    record["max_per_day"] = record["max_per_week"] = NO_DIAL
    record["per_week"] = record["interest"] = record["theta"] = np.nan
    for key, value_json in kept:
        _set(record[0], key, msgspec.json.decode(value_json), names)
    return AdmittedPreferences(user_id, at_us, record, kept, _body(kept))


def admit_user_id(user_id: object) -> str:
    """Return a user's id. Raises InputFault where it is no text of 1 to 512 characters."""
    try:
        admitted: str = msgspec.convert(plain(user_id, 0), shapes.Id)
        ENCODER.encode(admitted)
    except REFUSED as error:
        refusal = explained(error, user_id, shapes.Preferences)
        raise InputFault("user_id", refusal.value, refusal.problem, "give text of 1 to 512 characters") from None
    return admitted


def preference_entries(body: str | bytes) -> tuple[Entry, ...]:
    """Return the entries of a preferences body of the log."""
    return _entries(msgspec.json.decode(body, type=shapes.Preferences))


def _entries(wanted: shapes.Preferences) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for field in wanted.__struct_fields__:
        value = getattr(wanted, field)
        if field == "at" or value is UNSET:
            continue
        if field in GROUPS:
            entries += [(f"{field}.{name}", _json(given)) for name, given in value.items()]
        else:  # a time in UTC reads the same after RFC 3339
            entries.append((field, _json(value.astimezone(UTC) if isinstance(value, datetime) else value)))
    return tuple(entries)


def _body(entries: tuple[Entry, ...]) -> str:
    """Return entries as the JSON of the preferences that say them."""
    said: dict[str, Any] = {}
    for key, value_json in entries:
        group, dot, name = key.partition(".")
        value = msgspec.Raw(value_json.encode())
        if dot:
            said.setdefault(group, {})[name] = value
        else:
            said[key] = value
    return _json(said)


def _json(value: Any) -> str:
    return ENCODER.encode(value).decode()


def _set(record: Any, key: str, value: Any, names: Names) -> None:
    """Set one preference in a record."""
    group, dot, name = key.partition(".")
    if dot and group in GROUPS:
        _give(record, group, name, names, given=value)
    elif key == "quiet_hours":
        record["sets"] |= SETS_QUIET
        if value is not None:
            record["quiet_start_min"], record["quiet_end_min"] = _minute(value["start"]), _minute(value["end"])
    elif key == "time_zone":
        record["sets"] |= SETS_ZONE
        if value is not None:
            record["zone"] = _code(names.zone, value, "time_zone")
    elif key in _DIALS:
        record["sets"] |= _DIALS[key]
        record[key] = NO_DIAL if value is None else value
    elif key == "paused_until":
        record["sets"] |= SETS_PAUSE
        if value is not None:  # rounded up: a pause holds through its last instant
            record["paused_until_s"] = -(-micros(msgspec.convert(value, shapes.Time)) // MICROSECONDS)
    elif key in _FLAGS:
        sets, bit, when = _FLAGS[key]
        record["sets"] |= sets
        record["flags"] |= bit if value is when else 0
    else:
        keys = ["consent.…", "categories.…", "quiet_hours", "time_zone", "paused_until", *_DIALS, *_FLAGS]
        raise InputFault("the standing preference", key, "is unknown", nearest(key, keys, "use one of"))


_DIALS = {"max_per_day": SETS_DIAL_DAY, "max_per_week": SETS_DIAL_WEEK}
_FLAGS = {"member": (SETS_MEMBER, MEMBER, True), "profiling": (SETS_PROFILING, PROFILING_REFUSED, False)}


def _give(record: Any, group: str, name: str, names: Names, *, given: bool) -> None:
    if group == "consent":
        code, bits = _code(names.channel, name, f"consent.{name}"), "channels"
    else:
        code, bits = _code(names.category, name, f"categories.{name}"), "categories"
    field = f"{bits}_{'given' if given else 'refused'}"
    record[field] = int(record[field]) | 1 << code


def _code(code: Any, name: str, place: str) -> int:
    try:
        found: int = code(name)
    except InputFault as fault:
        raise Refusal((place,), shown(name), fault.problem, fault.action).fault("preferences") from None
    return found


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
