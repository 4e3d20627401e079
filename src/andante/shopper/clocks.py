"""Clocks: the time on a shopper's wall, and the zones that they may choose from."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import datetime

    from andante.site.words import Words

UTC_NAME = "UTC"


class Clock(NamedTuple):
    """The clock of a zone."""

    zone: str
    is_own: bool  # the shopper chose it

    def says(self, w: Words, at: datetime) -> str:
        """Return a time as it is there, in words.

        >>> from datetime import UTC, datetime
        >>> from andante.site.words import words_of
        >>> Clock("Asia/Shanghai", is_own=True).says(
        ...     words_of("en", "andante.shopper"), datetime(2026, 6, 1, 17, 5, tzinfo=UTC)
        ... )
        '2 June 2026, 01:05'
        """
        there = at.astimezone(ZoneInfo(self.zone))
        return w.text("page.moment", day=w.date(there.isoformat()), time=f"{there:%H:%M}")


@cache
def zones() -> dict[str, tuple[str, ...]]:
    """Return the names of time zones by region, one for each clock of each country.

    >>> "Asia/Shanghai" in zones()["Asia"], list(zones())[:2]
    (True, ['Africa', 'America'])
    """
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    names = sorted(line.split("\t")[2] for line in table.splitlines() if line and not line.startswith("#"))
    regions: dict[str, list[str]] = {}
    for name in names:
        regions.setdefault(name.partition("/")[0], []).append(name)
    return {region: tuple(some) for region, some in regions.items()} | {UTC_NAME: (UTC_NAME,)}
