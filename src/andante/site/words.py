"""The words of pages in one language: those that all share, those of a room, and how figures are written."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal

from andante.report import words as report

if TYPE_CHECKING:
    from collections.abc import Iterator

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
NAMES: Final = {"en": "English", "zh": "中文"}
SHARED, FIGURES = "andante.site", "andante.report"
_OF_FIGURES = {"number", "months", "features"}


class Words(report.Words):
    """Sentences by key ("plan.title"), and how this language writes figures, times and codes.

    >>> words_of("en").text("shared.dashboard")
    'Dashboard'
    """

    def code(self, room: str, code: str) -> str:
        """Return this language's word for a code, or the code with spaces if it is none that we know."""
        return self.sentences.get(f"{room}.{code}", code.replace("_", " "))

    def moment(self, at: datetime) -> str:
        """Return a time as people write it, in UTC.

        >>> words_of("en").moment(datetime(2026, 6, 1, 17, 5, tzinfo=UTC))
        '1 June 2026, 17:05 UTC'
        """
        at = at.astimezone(UTC)
        day = self.date(at.isoformat())
        return self.text("shared.moment", day=day, time=f"{at:%H:%M}")

    def span(self, length: timedelta) -> str:
        """Return a length of time in its largest unit that says enough.

        >>> words_of("en").span(timedelta(hours=30)), words_of("zh").span(timedelta(minutes=5))
        ('30 hours', '5 分钟')
        """
        seconds = abs(length.total_seconds())
        for unit, size, from_s in (("days", 86_400, 172_800), ("hours", 3600, 7200), ("minutes", 60, 120)):
            if seconds >= from_s:
                return self.text(f"shared.{unit}", count=round(seconds / size))
        return self.text("shared.seconds", count=round(seconds))


@cache
def words_of(language: Language, *rooms: str) -> Words:
    """Return the words of a language: those that all pages share, and those of rooms such as ``andante.dashboard``."""
    return Words(language, dict(_sentences(language, (FIGURES, SHARED, *rooms))))


def _sentences(language: Language, rooms: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for room in rooms:
        for text in _texts(room, language):
            for part, sentences in tomllib.loads(text).items():
                if room != FIGURES or part in _OF_FIGURES:
                    yield from ((f"{part}.{key}", said) for key, said in sentences.items())


def _texts(room: str, language: Language) -> Iterator[str]:
    """Yield the files of a language: ``languages/en.toml``, or all in ``languages/en/``."""
    folder = files(room) / "languages"
    several = folder / language
    if several.is_dir():
        for one in sorted(several.iterdir(), key=lambda file: file.name):
            yield one.read_text(encoding="utf-8")
    else:
        yield (folder / f"{language}.toml").read_text(encoding="utf-8")
