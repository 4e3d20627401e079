"""Names and their codes: channels, categories and time zones, numbered in the order in which they were first seen.

Records hold codes, so a code never changes its name. A new name is *pending* until it is in the log: whoever commits a
row takes :meth:`Names.pending` along in the same transaction, and says :meth:`Names.logged` when it is durable. A name
that is known costs one look into a dictionary.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from threading import Lock

from andante.settings.time_zones import nearest
from andante.vocabulary.fault import InputFault
from andante.vocabulary.state import CATEGORIES_MAX, CHANNELS_MAX
from andante.zones.table import known

CHANNEL, CATEGORY, ZONE = "channel", "category", "zone"
"""The kinds of names, as they stand in the log."""

KINDS = (CHANNEL, CATEGORY, ZONE)

ZONES_MAX = 65_000
"""More zones than there are, and fewer than the code that says none."""

NameRow = tuple[str, int, str]
"""A name in the log: its kind, its code, the name."""


class Names:
    """The codes of all names of one log. Safe to share between threads.

    >>> names = Names()
    >>> names.channel("push"), names.channel("email"), names.channel("push")
    (0, 1, 0)
    >>> names.pending()
    [('channel', 0, 'push'), ('channel', 1, 'email')]
    >>> names.logged(names.pending())
    >>> names.pending(), names.channels
    ([], ('push', 'email'))
    """

    def __init__(self, rows: Iterable[NameRow] = ()) -> None:
        """Restore the names of a log from its rows, in any order. Raises InputFault where a code is missing."""
        self._lock = Lock()
        self._pending: list[NameRow] = []
        self._channels = _Codes(CHANNEL, CHANNELS_MAX, self._pending, self._lock)
        self._categories = _Codes(CATEGORY, CATEGORIES_MAX, self._pending, self._lock)
        self._zones = _Codes(ZONE, ZONES_MAX, self._pending, self._lock, _real_zone)
        self._kinds = dict(zip(KINDS, (self._channels, self._categories, self._zones), strict=True))
        for kind, code, name in sorted(rows):
            self._kinds[kind].restore(code, name)

    def channel(self, name: str) -> int:
        """Return the code of a channel, below 8. Raises InputFault for the 9th."""
        return self._channels[name]

    def category(self, name: str) -> int:
        """Return the code of a category, below 64. Raises InputFault for the 65th."""
        return self._categories[name]

    def zone(self, name: str) -> int:
        """Return the code of a time zone. Raises InputFault where the time zone database has none of this name."""
        return self._zones[name]

    def find(self, kind: str, name: str) -> int | None:
        """Return the code of a name that was seen before, or None; nothing is added."""
        return self._kinds[kind].get(name)

    def nearest(self, kind: str, name: str) -> str | None:
        """Return the name of this kind that is most like the one given, or None where none is."""
        return next(iter(get_close_matches(name, self._kinds[kind].names, n=1)), None)

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels by code."""
        return self._channels.names

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories by code."""
        return self._categories.names

    @property
    def zones(self) -> tuple[str, ...]:
        """The time zones by code: what the table of zones is built from."""
        return self._zones.names

    def pending(self) -> list[NameRow]:
        """Return the names that are in no log yet, in the order in which they were seen."""
        with self._lock:
            return list(self._pending)

    def logged(self, rows: Iterable[NameRow]) -> None:
        """Take note that these names are durable."""
        durable = set(rows)
        with self._lock:
            self._pending[:] = [row for row in self._pending if row not in durable]


class _Codes(dict[str, int]):
    """The codes of one kind of names. A name that is missing gets the next code."""

    def __init__(
        self, kind: str, most: int, pending: list[NameRow], lock: Lock, check: Callable[[str], None] | None = None
    ) -> None:
        super().__init__()
        self.names: tuple[str, ...] = ()
        self._kind, self._most, self._pending, self._lock, self._check = kind, most, pending, lock, check

    def __missing__(self, name: str) -> int:
        if not name.strip():
            raise InputFault(f"the {self._kind}", repr(name), "is no name", f"name the {self._kind}")
        if self._check is not None:
            self._check(name)
        with self._lock:
            if name in self:  # another thread was first
                return self[name]
            code = len(self.names)
            if code == self._most:
                raise self._full(name)
            # The code is published last: whoever can see it finds its name pending and listed.
            self._pending.append((self._kind, code, name))
            self.names = (*self.names, name)
            self[name] = code
            return code

    def restore(self, code: int, name: str) -> None:
        if code != len(self.names) or name in self or code >= self._most:
            problem = f"has the code {code}, where {len(self.names)} is due"
            raise InputFault(f"the log's {self._kind}", name, problem, "restore the log from a copy")
        self.names = (*self.names, name)
        self[name] = code

    def _full(self, name: str) -> InputFault:
        plural = "categories" if self._kind == CATEGORY else f"{self._kind}s"
        near = get_close_matches(name, self.names, n=1)
        action = f"did you mean {near[0]}?" if near else f"use one of {', '.join(self.names[:8])}"
        return InputFault(
            f"the {_ordinal(self._most + 1)} {self._kind}",
            name,
            f"has no room, because a log holds {self._most} {plural}",
            action if near or self._most <= CHANNELS_MAX else f"{action}, ...",
        )


def _real_zone(name: str) -> None:
    if not known(name):
        near = nearest(name)
        action = f"did you mean {near}?" if near else 'write its IANA name, such as "Asia/Shanghai"'
        raise InputFault("the time zone", name, "is not in the time zone database", action)


def _ordinal(count: int) -> str:
    tail = {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th") if count % 100 not in {11, 12, 13} else "th"
    return f"{count}{tail}"
