"""The names of the time zones there are, as the time zone database of the package ``tzdata`` lists them.

The list of the package, not that of the system: the same names on every machine. The table of zones that decisions are
taken by is built from the same package (:mod:`andante.zones`), and a test holds the two together.
"""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files


def known(name: str) -> bool:
    """Tell whether there is a time zone of this name, written exactly so.

    >>> known("Asia/Shanghai"), known("asia/shanghai"), known("Mars/Phobos")
    (True, False, False)
    """
    return name in _names()


def nearest(name: str) -> str | None:
    """Return the time zone whose name is most like the one given, or None where none is.

    >>> nearest("asia/shanghai"), nearest("Europe/Berln"), nearest("Shanghai"), nearest("%")
    ('Asia/Shanghai', 'Europe/Berlin', 'Asia/Shanghai', None)
    """
    wanted, zones = _plain(name), {_plain(zone): zone for zone in _names()}
    cities = {plain.rpartition("/")[2]: zone for plain, zone in zones.items()}
    if wanted in cities:
        return cities[wanted]
    near = get_close_matches(wanted, zones, n=1)
    return zones[near[0]] if near else None


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


@cache
def _names() -> dict[str, None]:
    """Return all names, in the order of the package."""
    return dict.fromkeys(files("tzdata").joinpath("zones").read_text(encoding="utf-8").splitlines())
