"""Changes: two settings held against each other, a key at a time, with what each key means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from andante.settings import describe
from andante.settings.description import KEYS_OF_MANY
from andante.vocabulary.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from andante.settings import Settings

_CAPS = "caps"


class Change(Record, frozen=True, omit_defaults=False):
    """A setting that is another; None where it was not there, or is no more."""

    key: str  # as faults name it; a cap by its scope and window
    before: Any
    after: Any
    meaning: str
    form: str
    clock: str
    counts: str


def changes(before: Settings, after: Settings) -> tuple[Change, ...]:
    """Return every setting that differs, in the order of the file.

    >>> from andante.settings import load
    >>> [(one.key, one.before, one.after) for one in changes(load(None, {}), load({"gap": {"minimum": "P1D"}}, {}))]
    [('gap.minimum', 'PT1H', 'P1D')]
    """
    one, other = (dict(_flat(settings.model_dump(mode="json"))) for settings in (before, after))
    described = {setting.key: setting for setting in describe()}
    found = []
    for general, key in dict.fromkeys((*other, *one)):
        place = (general, key)
        if one.get(place) != other.get(place) and general in described:
            said = described[general]
            told = {"meaning": said.meaning, "form": said.form, "clock": said.clock, "counts": said.counts}
            found.append(Change(key=key, before=one.get(place), after=other.get(place), **told))
    return tuple(found)


def _flat(dumped: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield every setting: its key as documentation writes it, its key here, its value."""
    for section, value in dumped.items():
        general = KEYS_OF_MANY.get(section)
        if section == _CAPS:
            for cap in value:
                yield ("caps[].limit", f"caps[{cap['scope']} per {cap['window']}].limit"), cap["limit"]
        elif general is None:
            yield from _leaves(section, section, value)
        else:
            for name, table in value.items():
                yield from _leaves(general, f"{section}.{name}", table)


def _leaves(general: str, key: str, value: Any) -> Iterator[tuple[tuple[str, str], Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves(f"{general}.{name}", f"{key}.{name}", part)
    elif value is not None:
        yield (general, key), value
