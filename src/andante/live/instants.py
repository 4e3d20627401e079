"""Instants: aware datetimes in, whole microseconds and seconds since 1970-01-01 UTC out, and back.

Everything that flows is event time in UTC. A time without a zone is nobody's time and is refused before it comes here.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import numpy.typing as npt

from andante.vocabulary.state import NEVER_S

Int64s = npt.NDArray[np.int64]
UInt8s = npt.NDArray[np.uint8]
INT64, UINT8 = np.dtype(np.int64), np.dtype(np.uint8)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = 1_000_000
MINUTE = timedelta(minutes=1)
DAY_US = 86_400 * MICROSECONDS

FIRST = datetime(1970, 1, 2, tzinfo=UTC)
"""The first time that is taken: 0 seconds stands for no time at all in a record."""

LAST = datetime(2105, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
"""The last time that is taken: a record holds the seconds of sends in 32 bits, which end in February 2106."""

FIRST_US = DAY_US
LAST_US = 49_673 * DAY_US - 1
CALENDAR_END_S = 253_402_300_799
"""The last second that a datetime can say, in the year 9999."""


def micros(at: datetime) -> int:
    """Return an aware time as microseconds since 1970, exactly.

    >>> micros(FIRST) == FIRST_US, micros(LAST) == LAST_US
    (True, True)
    """
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * MICROSECONDS + since.microseconds


class OutOfRange(ValueError):
    """A time of a list is outside the range that is taken; ``index`` says which."""

    def __init__(self, index: int) -> None:
        """Take the place of the time in its list."""
        super().__init__(index)
        self.index = index


def micros_or(times: Sequence[datetime | None], absent_us: int) -> list[int]:
    """Return times as microseconds since 1970, and ``absent_us`` where there is none. Raises OutOfRange."""
    try:
        found = [
            absent_us
            if at is None
            else ((since := at - EPOCH).days * 86_400 + since.seconds) * MICROSECONDS + since.microseconds
            for at in times
        ]
    except TypeError:  # a zone that gives no offset
        raise OutOfRange(next(i for i, at in enumerate(times) if at is not None and not is_taken(at))) from None
    if found and (min(found) < FIRST_US or max(found) > LAST_US):
        raise OutOfRange(next(i for i, at in enumerate(times) if at is not None and not is_taken(at)))
    return found


def instants(at_us: list[int]) -> tuple[Int64s, Int64s, UInt8s]:
    """Return times in microseconds as columns: as they are, in seconds rounded down, and 1 where that took a fraction.

    >>> instants([1_500_000])
    (array([1500000]), array([1]), array([1], dtype=uint8))
    """
    at_s = [at // MICROSECONDS for at in at_us]
    ceil = [at % MICROSECONDS > 0 for at in at_us]
    return np.array(at_us, INT64), np.array(at_s, INT64), np.array(ceil, UINT8)


def seconds_or_never(times: Sequence[datetime | None]) -> list[int]:
    """Return times as whole seconds, rounded down, and NEVER_S where there is none. Raises OutOfRange."""
    if not any(times):
        return [NEVER_S] * len(times)
    at_us = micros_or(times, LAST_US)
    return [NEVER_S if at is None else us // MICROSECONDS for at, us in zip(times, at_us, strict=True)]


def is_taken(at: datetime) -> bool:
    """Say whether a time is one that is taken: it has an offset, and is from 1970-01-02 through 2105-12-31."""
    return at.utcoffset() is not None and FIRST <= at <= LAST


def is_written_exactly(at: datetime) -> bool:
    """Say whether a time reads the same after RFC 3339: its offset is the same all year, and in whole minutes.

    >>> is_written_exactly(EPOCH), is_written_exactly(EPOCH.astimezone(timezone(timedelta(seconds=1))))
    (True, False)
    """
    zone = at.tzinfo
    return zone is UTC or (type(zone) is timezone and not zone.utcoffset(None) % MINUTE)


def utc(at_s: int) -> datetime | None:
    """Return whole seconds since 1970 as a time in UTC, or None where no calendar reaches that far.

    >>> utc(86_400), utc(NEVER_S)
    (datetime.datetime(1970, 1, 2, 0, 0, tzinfo=datetime.timezone.utc), None)
    """
    return datetime.fromtimestamp(at_s, UTC) if at_s <= CALENDAR_END_S else None
