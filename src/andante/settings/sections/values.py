"""What settings are made of: durations, times of day, scopes, time zones, lists, and what all sections share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from math import isfinite
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from andante.settings.time_zones import known, nearest

_DURATION = re.compile(r"P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_SCOPE = re.compile(r"global|(?:category|channel):\S(?:.*\S)?")
V = TypeVar("V")

_DIGITS_MAX = 9  # of one number in a duration: more could overflow, and is no window


class Section(BaseModel):
    """What all sections share: frozen, no unknown keys, no silent conversions, no NaN and no infinity."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=False
    )


def fault(problem: str, action: str) -> PydanticCustomError:
    """Return what a validator raises: what is wrong with the value, and the next action."""
    return PydanticCustomError("andante", "{problem}", {"problem": problem, "action": action})


def about(*, clock: str = "none", counts: str = "-", form: str | None = None) -> dict[str, Any]:
    """Say whose clock a setting runs on, what it counts, and how to write it where its type does not say."""
    return {"clock": clock, "counts": counts} | ({} if form is None else {"form": form})


def parse_duration(value: object) -> timedelta:
    """Read an ISO-8601 duration of exact length; years and months have none, so they are refused."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or any(len(part or "") > _DIGITS_MAX for part in found.groups()):
        raise fault(
            "is not an ISO-8601 duration of exact length",
            'write weeks, days, hours, minutes or seconds, such as "P7D", "P1D" or "PT12H" (a month: "P30D")',
        )
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    try:
        return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise fault("is longer than any time that is counted", 'write a shorter duration, such as "P7D"') from None


def iso_duration(value: timedelta) -> str:
    """Write a duration of whole seconds as ISO-8601.

    >>> iso_duration(timedelta(days=2.5)), iso_duration(timedelta(0))
    ('P2DT12H', 'PT0S')
    """
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    days = f"{value.days}D" if value.days else ""
    return f"P{days}" + (f"T{clock}" if clock else "") if days or clock else "PT0S"


@dataclass(frozen=True, slots=True)
class Between:
    """The bounds of a duration, both included, in whole seconds."""

    least: str
    most: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the bounds after the duration was read."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say how the duration is written."""
        return {**handler(schema), "form": self._form}

    @property
    def _form(self) -> str:
        return f"an ISO-8601 duration from {self.least} to {self.most}"

    def _checked(self, value: timedelta) -> timedelta:
        if not parse_duration(self.least) <= value <= parse_duration(self.most) or value.microseconds:
            raise fault(
                f"is not a duration of whole seconds between {self.least} and {self.most}", f"write {self._form}"
            )
        return value


@dataclass(frozen=True, slots=True)
class Numbers:
    """A list of so many numbers from 0 to ``most``. A profile has a shape, so it is not all noughts."""

    fewest: int
    most_of_them: int
    most: float
    profile: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read a list, of TOML or JSON, or a tuple."""
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say how the list is written."""
        return {**handler(schema), "form": self._form}

    @property
    def _form(self) -> str:
        many = f"{self.fewest}" if self.fewest == self.most_of_them else f"{self.fewest} to {self.most_of_them}"
        return f"a list of {many} numbers from 0 to {self.most:g}" + (", not all below 0.001" if self.profile else "")

    def _read(self, value: object) -> tuple[float, ...]:
        numbers = tuple(value) if isinstance(value, (list, tuple)) else ()
        if (
            not self.fewest <= len(numbers) <= self.most_of_them
            or not all(self._fits(number) for number in numbers)
            or (self.profile and max(numbers) < 0.001)  # noqa: PLR2004  as the form says
        ):
            raise fault(f"is not {self._form}", "write such a list in brackets, with commas between the numbers")
        return tuple(float(number) for number in numbers)

    def _fits(self, number: object) -> bool:
        plain = isinstance(number, (int, float)) and not isinstance(number, bool)
        return plain and isfinite(number) and 0 <= number <= self.most  # type: ignore[arg-type,operator]


def _clock(value: object) -> time:
    """Read a time of day, ``HH:MM``, or a bare TOML time of whole minutes."""
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        return time(int(found[1]), int(found[2]))
    if isinstance(value, time) and value.tzinfo is None and not (value.second or value.microsecond):
        return value
    raise fault("is not a time of day", 'write HH:MM between "00:00" and "23:59", for example "22:00"')


def _scope(value: str) -> str:
    if not _SCOPE.fullmatch(value):
        raise fault("is not a scope", 'write "global", "category:NAME" or "channel:NAME"')
    return value


def _zone(value: str) -> str:
    if not known(value):
        near = nearest(value)
        raise fault(
            "is not in the time zone database",
            f"did you mean {near}?" if near else 'write an IANA name such as "Asia/Shanghai" or "UTC"',
        )
    return value


def frozen(table: dict[str, V]) -> Mapping[str, V]:
    """Return a view of a table that nobody can write to."""
    return MappingProxyType(table)


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(iso_duration, return_type=str)]
Clock = Annotated[
    time, BeforeValidator(_clock), PlainSerializer(lambda value: value.strftime("%H:%M"), return_type=str)
]
Scope = Annotated[str, AfterValidator(_scope)]
TimeZone = Annotated[str, AfterValidator(_zone)]
CLOCK_FORM = "a time of day, HH:MM"
ZONE_FORM = "an IANA time zone, such as Asia/Shanghai"
