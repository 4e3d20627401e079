"""The words of the report in one language: sentences with figures filled in, and figures written for people.

Sentences live in ``languages/*.toml``, so that a translator edits text and nothing else.
"""

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Literal

from markupsafe import Markup

from andante.report.summary import Interval

Language = Literal["en", "zh"]

SHARES = ("share_", "response_rate", "query_similarity_")
"""How the names of features begin that are shares, written as a percentage."""

_WINDOWED = re.compile(r"(?P<base>\w+?)_(?P<days>\d+)d")


@dataclass(frozen=True, slots=True)
class Words:
    """Sentences by key ("plan.title"), and how this language writes figures and dates.

    >>> words = Words.read("en")
    >>> words.text("verdict.calibrated", error="2.1")
    'Its percentages can be taken at face value: they are off by 2.1 points on average.'
    >>> words.html("headline.events", events="<b>9")
    Markup('&lt;b&gt;9 events')
    """

    language: Language
    sentences: Mapping[str, str]

    @classmethod
    def read(cls, language: Language) -> "Words":
        """Read the sentences of one language from the package."""
        text = files("andante.report").joinpath("languages", f"{language}.toml").read_text(encoding="utf-8")
        rooms = tomllib.loads(text)
        return cls(language, {f"{room}.{key}": s for room, keys in rooms.items() for key, s in keys.items()})

    def text(self, key: str, **values: object) -> str:
        """Return a sentence as plain text, for charts and attributes. Values are filled in as they are."""
        return self.sentences[key].format(**values)

    def html(self, key: str, **values: object) -> Markup:
        """Return a sentence as HTML: its own markup stays, the values are escaped."""
        return Markup(self.sentences[key]).format(**values)  # noqa: S704  our own file; values are escaped

    def known(self, room: str, code: str) -> str:
        """Return this language's word for a code, or the code itself if it is none that we know."""
        return self.sentences.get(f"{room}.{code}", code)

    def variant(self, key: str, code: str, **values: object) -> str:
        """Return the sentence that is made for a code, such as a target's name, or the one for any other."""
        made = f"{key}_{code}"
        return self.text(made if made in self.sentences else f"{key}_other", **values)

    def feature(self, feature: str, name: str = "") -> str:
        """Return a feature's plain name: the one given, the one of its base and window, or the column's own words.

        >>> Words.read("en").feature("purchases_30d")
        'Purchases, last 30 days'
        """
        if name or f"features.{feature}" in self.sentences:
            return name or self.sentences[f"features.{feature}"]
        windowed = _WINDOWED.fullmatch(feature)
        if windowed is None or f"features.{windowed['base']}" not in self.sentences:
            return feature.replace("_", " ")
        key = "features.windowed_one" if windowed["days"] == "1" else "features.windowed"
        return self.text(key, base=self.sentences[f"features.{windowed['base']}"], days=windowed["days"])

    def amount(self, feature: str, value: float) -> str:
        """Return a feature's value as people write it: a share as a percentage, anything else with few digits."""
        return self.percent(value) if feature.startswith(SHARES) else self.decimal(value)

    def integer(self, value: float) -> str:
        """Return a whole number with its thousands marked."""
        return f"{round(value):,}" if math.isfinite(value) else self.text("number.unknown")

    def exact(self, value: float, digits: int) -> str:
        """Return a number with so many digits."""
        return f"{value:.{digits}f}" if math.isfinite(value) else self.text("number.unknown")

    def decimal(self, value: float) -> str:
        """Return a number with the digits that matter to a reader, and none that say nothing.

        >>> [Words.read("en").decimal(v) for v in (0, 0.042, 2.0, 3.14, 31.4, 31415)]
        ['0', '0.04', '2', '3.1', '31', '31,415']
        """
        if not math.isfinite(value):
            return self.text("number.unknown")
        size = abs(value)
        digits = 0 if size >= 10 else 1 if size >= 1 else 2  # noqa: PLR2004
        return _trimmed(f"{value:,.{digits}f}")

    def budget(self, value: float) -> str:
        """Return a budget: two digits where they say something, for neighbours on the slider may differ by little.

        >>> Words.read("en").budget(2.0), Words.read("en").budget(2.25)
        ('2', '2.25')
        """
        return _trimmed(f"{value:.2f}")

    def compact(self, value: float) -> str:
        """Return a number short enough for a headline: in full below the language's large units.

        >>> Words.read("en").compact(1_469_307), Words.read("zh").compact(1_469_307)
        ('1.5 million', '147 万')
        >>> Words.read("en").compact(3e9), Words.read("zh").compact(3e9)
        ('3 billion', '30 亿')
        """
        for size in ("huge", "large"):
            if abs(value) >= int(self.sentences[f"number.{size}"]):
                unit = int(self.sentences[f"number.{size}_unit"])
                return self.text(f"number.in_{size}", value=self.decimal(value / unit))
        return self.integer(value)

    def pace(self, value: float) -> str:
        """Return pushes per week: one digit, and never a zero for what is more than none.

        >>> [Words.read("en").pace(v) for v in (0, 0.01, 0.1, 2)]
        ['0', 'under 0.1', '0.1', '2.0']
        """
        if 0 < value < 0.05:  # noqa: PLR2004
            return self.text("number.under", value="0.1")
        return "0" if value == 0 else self.exact(value, 1)

    def percent(self, share: float) -> str:
        """Return a share as a percentage, without claiming none or all where it is only nearly so.

        >>> [Words.read("en").percent(v) for v in (0, 0.001, 0.314, 0.999, 1)]
        ['0%', 'under 1%', '31%', 'over 99%', '100%']
        """
        if not math.isfinite(share):
            return self.text("number.unknown")
        if 0 < share <= 0.005:  # noqa: PLR2004
            return self.text("number.under", value="1%")
        return self.text("number.over", value="99%") if 0.995 <= share < 1 else f"{share:.0%}"  # noqa: PLR2004

    def interval(self, found: Interval, digits: int) -> str:
        """Return an estimate with its 95 % interval, or alone if it has none."""
        value = self.exact(found.value, digits)
        if found.low is None or found.high is None:
            return value
        low, high = self.exact(found.low, digits), self.exact(found.high, digits)
        return self.text("number.interval", value=value, low=low, high=high)

    def date(self, at: str) -> str:
        """Return the day of an RFC 3339 time; an empty one is unknown."""
        if not at:
            return self.text("number.unknown")
        day = datetime.fromisoformat(at)
        return self.text("number.date", day=day.day, month=self.sentences[f"months.{day.month}"], year=day.year)

    def rule(self, code: str, note: str = "") -> str:
        """Return what a cleaning rule is about: its note if in this language, else a sentence or the code.

        Notes are English and hold figures of the run.
        """
        told = self.sentences.get(f"rules.{code}", "")
        first, second = (note, told) if self.language == "en" else (told, note)
        return first or second or code.replace("_", " ")

    def join(self, sentences: Sequence[str]) -> str:
        """Return sentences one after the other, each with a capital."""
        return self.sentences["number.between_sentences"].join(map(self.capital, sentences))

    def capital(self, sentence: str) -> str:
        """Return a sentence that begins with a capital."""
        return sentence[:1].upper() + sentence[1:]

    def sentence(self, words: str) -> str:
        """Return words of a log or a note as a sentence: a capital before, a full stop behind.

        >>> Words.read("en").sentence("all times fall at midnight")
        'All times fall at midnight.'
        """
        stop = "" if words.endswith((".", "!", "?", "。")) else self.sentences["number.stop"]
        return self.capital(words) + stop

    def listing(self, parts: Sequence[str]) -> str:
        """Return parts as a list in words: a, b and c."""
        if len(parts) < 2:  # noqa: PLR2004
            return "".join(parts)
        return self.text("number.list", head=self.sentences["number.comma"].join(parts[:-1]), last=parts[-1])


def _trimmed(digits: str) -> str:
    """Drop zeros that say nothing: 2.0 is 2."""
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
