"""Forms: what a shopper filled in, as preferences of the engine, or what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from andante.settings.time_zones import known
from andante.vocabulary.state import SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from andante.shopper.standing import Choice, Standing

DIAL_MAX: Final = SLOTS
TEXT_MAX, CONTACT_MAX = 2_000, 320
_CLOCK_LENGTH = len("HH:MM")


class Wrong(NamedTuple):
    """What is wrong with a field: the key of the words that say it."""

    field: str
    key: str


class Refused(Exception):
    """A form that cannot be taken as it is."""

    def __init__(self, *wrong: Wrong) -> None:
        """Store all that is wrong."""
        super().__init__(*wrong)
        self.wrong = wrong


def frequency(form: Mapping[str, str]) -> dict[str, Any]:
    """Return how often, as preferences. Raises Refused."""
    match form.get("dial", ""):
        case "learn":
            return {"max_per_day": None, "max_per_week": None}
        case "none":
            return {"max_per_day": None, "max_per_week": 0}
        case "limit":
            return _limits(form)
    raise Refused(Wrong("dial", "choose"))


def hours(form: Mapping[str, str]) -> dict[str, Any]:
    """Return when not, and on which clock, as preferences. Raises Refused."""
    zone = form.get("time_zone", "")
    if zone and not known(zone):
        raise Refused(Wrong("time_zone", "zone"))
    return {"time_zone": zone or None, "quiet_hours": _quiet(form)}


def choices(fields: Iterable[tuple[str, str]], standing: Standing) -> dict[str, Any]:
    """Return what was allowed and refused, of what the page showed, as preferences: what has changed and no more."""
    asked: dict[str, set[str]] = {}
    for name, value in fields:
        asked.setdefault(name, set()).add(value)
    wanted: dict[str, Any] = {}
    for group, shown in (("consent", standing.channels), ("categories", standing.categories)):
        changed = _changed(shown, asked.get(f"{group}_shown", set()), asked.get(group, set()))
        wanted |= {group: changed} if changed else {}
    profiling = "yes" in asked.get("profiling", set())
    if "yes" in asked.get("profiling_shown", set()) and profiling != standing.user.profiling:
        wanted["profiling"] = profiling
    return wanted


def complaint(form: Mapping[str, str]) -> tuple[str, str | None]:
    """Return what a shopper says, and where they want to be answered. Raises Refused."""
    text, contact = form.get("text", "").strip(), form.get("contact", "").strip()
    wrong = []
    if not text:
        wrong.append(Wrong("text", "say"))
    if len(text) > TEXT_MAX:
        wrong.append(Wrong("text", "long"))
    if len(contact) > CONTACT_MAX:
        wrong.append(Wrong("contact", "long"))
    if wrong:
        raise Refused(*wrong)
    return text, contact or None


def _limits(form: Mapping[str, str]) -> dict[str, Any]:
    read = {name: form.get(name, "").strip() for name in ("max_per_day", "max_per_week")}
    wrong = [Wrong(name, "count") for name, said in read.items() if said and not _is_count(said)]
    if not any(read.values()):
        wrong.append(Wrong("max_per_week", "one_limit"))
    if wrong:
        raise Refused(*wrong)
    return {name: int(said) if said else None for name, said in read.items()}


def _is_count(said: str) -> bool:
    return said.isascii() and said.isdigit() and len(said) <= 2 and 1 <= int(said) <= DIAL_MAX  # noqa: PLR2004  digits


def _quiet(form: Mapping[str, str]) -> dict[str, str] | None:
    match form.get("quiet", ""):
        case "usual":
            return None
        case "none":
            return {"start": "00:00", "end": "00:00"}
        case "own":
            read = {name: form.get(name, "").strip()[:_CLOCK_LENGTH] for name in ("start", "end")}
            wrong = [Wrong(name, "clock") for name, said in read.items() if not _is_clock(said)]
            if not wrong and read["start"] == read["end"]:
                wrong.append(Wrong("end", "same"))
            if wrong:
                raise Refused(*wrong)
            return read
    raise Refused(Wrong("quiet", "choose"))


def _is_clock(said: str) -> bool:
    hour, colon, minute = said.partition(":")
    digits = len(said) == _CLOCK_LENGTH and colon and (hour + minute).isascii() and (hour + minute).isdigit()
    return bool(digits) and int(hour) < 24 and int(minute) < 60  # noqa: PLR2004  a clock's


def _changed(shown: Iterable[Choice], asked: set[str], given: set[str]) -> dict[str, bool]:
    """Return what differs now. A name that the page did not show, or that we do not know, is left alone."""
    return {one.name: one.name in given for one in shown if one.name in asked and one.given != (one.name in given)}
