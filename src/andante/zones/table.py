"""The table of zones: every change of the offset from UTC between 1970 and 2106, as flat arrays.

The data are the ``tzdata`` package's, never the system's: a log that is replayed elsewhere with the same package meets
the same clocks.
"""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from andante.vocabulary.fault import SettingsFault

BEGINNING_S = -(2**62)
"""When the first entry of every zone begins."""

FROM_S = 0
UNTIL_S = int(datetime(2106, 1, 1, tzinfo=UTC).timestamp())
"""The changes between these two are in the table; before and after them the nearest offset stands."""

_PROBE_S = 28 * 86_400  # shorter than any time that a rule of summer time holds for
_HEADER = struct.Struct(">4s c 15x 6l")  # RFC 8536, section 3.1


ZONES_MAX, CHANGES_MAX = 1024, 2**17
"""How many zones a table holds, and how many changes: twice what all of the data need."""

ZONES = np.dtype(
    [
        ("count", "i8"),  # how many zones
        ("first", "i8", (ZONES_MAX + 1,)),  # zone z has the changes first[z] to first[z + 1]
        ("at_s", "i8", (CHANGES_MAX,)),  # from when on the offset holds; BEGINNING_S for the first one of each zone
        ("offset_s", "i4", (CHANGES_MAX,)),  # local time less UTC
    ],
    align=True,
)
"""Changes of every zone in use, in order of zone and time.

This is one record, not a tuple of arrays, because compiled code counts references to arrays at every call: that costs
more than the search itself, and threads would contend for the counts.
"""

Zones: TypeAlias = np.record
"""A record of type ``ZONES``, as compiled code takes it."""


def build(names: Iterable[str]) -> Zones:
    """Return the table of these zones, each with its place among the names as its code.

    Raises SettingsFault for a name that is no key of the IANA data, and for more names than a table holds.
    """
    zones: Zones = np.zeros(1, ZONES).view(np.recarray)[0]
    for name in names:
        changes = _changes(name)
        first = int(zones.first[zones.count])
        beyond = first + len(changes)
        if zones.count == ZONES_MAX or beyond > CHANGES_MAX:
            raise SettingsFault("table of time zones", name, f"is full with {zones.count} zones", "use fewer zones")
        zones.at_s[first:beyond], zones.offset_s[first:beyond] = zip(*changes, strict=True)
        zones.count += 1
        zones.first[zones.count] = beyond
    return zones


def known(name: str) -> bool:
    """Tell whether this is exactly a key of the IANA data, upper and lower case included."""
    return name in _keys()


def data_version() -> str:
    """Return the release of the data: the version of the tzdata package, such as ``2025.2`` for IANA's 2025b."""
    return version("tzdata")


@cache
def _keys() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


@cache
def _changes(name: str) -> tuple[tuple[int, int], ...]:
    """Return when each offset of one zone begins, and the offset, both in seconds."""
    if not known(name):
        raise SettingsFault("time zone", name, "is no key of the IANA data", "write one such as 'Asia/Shanghai'")
    data = files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with data.open("rb") as opened:
        zone = ZoneInfo.from_file(opened, key=name)
    written_s = [at_s for at_s in _written_s(data.read_bytes()) if FROM_S < at_s < UNTIL_S]
    ruled_from_s = max(written_s, default=FROM_S)
    changes = [(BEGINNING_S, _offset_s(zone, FROM_S))]
    for at_s in (*written_s, *_ruled_s(zone, ruled_from_s)):
        offset_s = _offset_s(zone, at_s)
        if offset_s != changes[-1][1]:
            changes.append((at_s, offset_s))
    return tuple(changes)


def _written_s(data: bytes) -> tuple[int, ...]:
    """Return the instants of change that a TZif file writes out, from its second block, of 64 bits (RFC 8536)."""
    _, _, utc, standard, leaps, times, types, letters = _HEADER.unpack_from(data)
    second = _HEADER.size + times * 5 + types * 6 + letters + leaps * 8 + standard + utc
    times = _HEADER.unpack_from(data, second)[5]
    return struct.unpack_from(f">{times}q", data, second + _HEADER.size)


def _ruled_s(zone: ZoneInfo, from_s: int) -> list[int]:
    """Return the instants after the last written one at which the zone's rule for the future changes the offset."""
    found, early_s, early_offset_s = [], from_s, _offset_s(zone, from_s)
    while early_s < UNTIL_S:
        late_s = min(early_s + _PROBE_S, UNTIL_S)
        late_offset_s = _offset_s(zone, late_s)
        if late_offset_s != early_offset_s:
            found.append(_bisected_s(zone, early_s, late_s))
        early_s, early_offset_s = late_s, late_offset_s
    return found


def _bisected_s(zone: ZoneInfo, early_s: int, late_s: int) -> int:
    """Return the one second between these two from which on the later offset holds."""
    early_offset_s = _offset_s(zone, early_s)
    while late_s - early_s > 1:
        middle_s = (early_s + late_s) // 2
        if _offset_s(zone, middle_s) == early_offset_s:
            early_s = middle_s
        else:
            late_s = middle_s
    return late_s


def _offset_s(zone: ZoneInfo, at_s: int) -> int:
    offset = datetime.fromtimestamp(at_s, zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())
