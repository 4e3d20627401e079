"""The settings as frozen typed values: one class per section of the file, one documented field per key.

To add a section, write its class here and give :class:`Settings` a field of that type: reading, environment
variables, faults, did-you-mean and the documentation's table follow from it. Every field says what it means,
on whose clock it runs and what it counts.
"""

import math
import re
from collections.abc import Mapping
from datetime import time, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

SCHEMA = 1
"""Version of the settings' shape; raised when a key changes its meaning."""

REMEMBERED_SENDS = 32
"""How many sends the user's record remembers: the most that any cap can count exactly."""

WINDOW_MAX = timedelta(days=31)
"""The longest window of a cap. 32 sends fill a month at one a day; over a longer window the record would
have forgotten the oldest sends of all but the quietest users: such a cap could not be counted."""

_DURATION = re.compile(r"P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_SCOPE = re.compile(r"global|(?:category|channel):\S(?:.*\S)?")
_DIGITS_MAX = 9  # of one number in a duration: more could overflow, and is no window


def _fault(problem: str, action: str) -> PydanticCustomError:
    return PydanticCustomError("andante", "{problem}", {"problem": problem, "action": action})


def _duration(value: object) -> timedelta:
    """Read an ISO-8601 duration of exact length; years and months have none, so they are refused."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or any(len(part or "") > _DIGITS_MAX for part in found.groups()):
        raise _fault(
            "is not an ISO-8601 duration of exact length",
            'write weeks, days, hours, minutes or seconds, such as "P7D", "P1D" or "PT12H" (a month: "P30D")',
        )
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def iso_duration(value: timedelta) -> str:
    """Write a duration of whole seconds as ISO-8601."""
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    days = f"{value.days}D" if value.days or not clock else ""
    return f"P{days}" + (f"T{clock}" if clock else "")


def _window(value: timedelta) -> timedelta:
    """Refuse a window that no record can hold."""
    if not timedelta(seconds=1) <= value <= WINDOW_MAX:
        raise _fault(
            "is not a window between PT1S and P31D",
            "the record of a user remembers about a month; use a shorter window",
        )
    return value


def _clock(value: object) -> time:
    """Read a time of day, ``HH:MM``, or a bare TOML time of whole minutes."""
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        return time(int(found[1]), int(found[2]))
    if isinstance(value, time) and value.tzinfo is None and not (value.second or value.microsecond):
        return value
    raise _fault("is not a time of day", 'write HH:MM between "00:00" and "23:59", for example "22:00"')


def _scope(value: str) -> str:
    if not _SCOPE.fullmatch(value):
        raise _fault("is not a scope", 'write "global", "category:NAME" or "channel:NAME"')
    return value


Window = Annotated[
    timedelta,
    BeforeValidator(_duration),
    AfterValidator(_window),
    PlainSerializer(iso_duration, return_type=str),
]
Clock = Annotated[
    time, BeforeValidator(_clock), PlainSerializer(lambda value: value.strftime("%H:%M"), return_type=str)
]
Scope = Annotated[str, AfterValidator(_scope)]


def _about(*, clock: str = "none", counts: str = "-", form: str | None = None) -> dict[str, Any]:
    """Say whose clock a setting runs on, what it counts, and how to write it where its type does not say."""
    return {"clock": clock, "counts": counts} | ({} if form is None else {"form": form})


class _Section(BaseModel):
    """What all sections share: frozen, no unknown keys, no silent conversions, no NaN and no infinity."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=False
    )


class Consent(_Section):
    """What holds for a user who never answered."""

    default: Literal["deny", "allow"] = Field(
        default="deny",
        description="What no consent record means. `allow` is for a migration, and every decision states it.",
        json_schema_extra=_about(counts="users without a consent record for a channel"),
    )


class Budget(_Section):
    """How many pushes may go out over the whole population."""

    per_user_week: float | None = Field(
        default=None,
        gt=0,
        description="Mean pushes per user-week over the population. Absent: value alone decides.",
        json_schema_extra=_about(
            clock="weeks of 7 days, UTC", counts="planned pushes over all users, those planned none included"
        ),
    )


class Cap(_Section):
    """A maximum in a sliding window. Transactional categories bypass it."""

    scope: Scope = Field(
        description="What the cap counts: all sends, those of one category, or those on one channel.",
        json_schema_extra=_about(
            counts="sends to one user in this scope", form='"global", "category:NAME" or "channel:NAME"'
        ),
    )
    limit: int = Field(
        ge=1,
        le=REMEMBERED_SENDS,
        description=f"The most sends in any window. A user's record remembers {REMEMBERED_SENDS}, no more.",
        json_schema_extra=_about(counts="reserved sends, shown or not"),
    )
    window: Window = Field(
        description="Length of the sliding window.",
        json_schema_extra=_about(
            clock="event time, sliding; no calendar day", form="an ISO-8601 duration from PT1S to P31D"
        ),
    )

    def covers(self, other: "Cap") -> bool:
        """Tell whether this cap refuses all that the other one would refuse, so that the other never binds.

        A window of length w is covered by ceil(w / W) windows of length W. With at most ``limit`` in each W,
        it holds at most ceil(w / W) · limit sends; an other limit that is no less has nothing left to refuse.
        """
        return self.scope in {"global", other.scope} and self.most(other.window) <= other.limit

    def most(self, window: timedelta) -> int:
        """Return the most sends that this cap lets through in any window of the given length."""
        return math.ceil(window / self.window) * self.limit


_USERS_CLOCK = "the user's own time zone; the user's own hours win"


class QuietHours(_Section):
    """Hours in which no push goes out, for users who set none of their own. They may pass midnight."""

    start: Clock = Field(
        description="First minute of the quiet hours.",
        json_schema_extra=_about(clock=_USERS_CLOCK, form="a time of day, HH:MM"),
    )
    end: Clock = Field(
        description="First minute after the quiet hours; before `start` it is on the next day.",
        json_schema_extra=_about(clock=_USERS_CLOCK, form="a time of day, HH:MM"),
    )

    @model_validator(mode="after")
    def _last_a_while(self) -> Self:
        """Refuse an empty span: one that starts when it ends could mean never or always."""
        if self.start == self.end:
            raise _fault(
                "starts when it ends, which could mean never or always",
                "let start and end differ, or leave the section out for no quiet hours",
            )
        return self


class Category(_Section):
    """What is special about one category of pushes."""

    transactional: bool = Field(
        default=False,
        description="The user waits for these pushes: they bypass pace and caps, never consent to a channel.",
        json_schema_extra=_about(counts="pushes of this category"),
    )


class Experiment(_Section):
    """How much of the population is left to chance, to learn from and to measure against."""

    holdout: float = Field(
        default=0.03,
        ge=0,
        le=0.5,
        description="Share of users who are never pushed, to measure against.",
        json_schema_extra=_about(counts="users, by a hash of user and seed"),
    )
    explore: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Share of users who get a random pace for a week, to learn from.",
        json_schema_extra=_about(clock="weeks of 7 days, UTC", counts="users, drawn anew each week"),
    )


class EngineSettings(_Section):
    """The deterministic step."""

    seed: int = Field(
        default=7,
        ge=0,
        le=2**63 - 1,
        description="Seed of every draw in a decision; the same seed and records give the same decisions.",
        json_schema_extra=_about(form="a whole number from 0 to 2^63 - 1"),
    )


class PlanSettings(_Section):
    """The slow clock: what `andante run` learns and how it plans."""

    model: str = Field(
        default="forest",
        min_length=1,
        description="Name of the frequency model.",
        json_schema_extra=_about(),
    )
    f_base_per_week: float = Field(
        default=3.0,
        gt=0,
        le=168,
        description="Pace of a user whose interest equals theta: f = f_base · I / theta.",
        json_schema_extra=_about(clock="weeks of 7 days", counts="pushes of one user"),
    )
    f_min_per_week: float = Field(
        default=0.0,
        ge=0,
        le=168,
        description="The lowest pace in a plan.",
        json_schema_extra=_about(clock="weeks of 7 days", counts="pushes of one user"),
    )
    f_max_per_week: float = Field(
        default=14.0,
        gt=0,
        le=168,
        description="The highest pace in a plan.",
        json_schema_extra=_about(clock="weeks of 7 days", counts="pushes of one user"),
    )
    theta: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Threshold of interest. Absent: solved for the budget, or else the mean interest.",
        json_schema_extra=_about(),
    )
    horizon_days: int = Field(
        default=7,
        ge=1,
        le=365,
        description="How far ahead interest looks: engaged is who is active in so many days after a cut-off.",
        json_schema_extra=_about(clock="event time, UTC", counts="days after a cut-off"),
    )
    folds: int = Field(
        default=4,
        ge=2,
        le=52,
        description="Folds of the cross-validation, each trained on earlier cut-offs than it is judged on.",
        json_schema_extra=_about(counts="cut-offs, one horizon apart"),
    )
    seed: int = Field(
        default=7,
        ge=0,
        le=2**32 - 1,
        description="Seed of training, clustering and intervals; same input and seed, same files.",
        json_schema_extra=_about(form="a whole number from 0 to 2^32 - 1"),
    )
    memory_max_mib: int = Field(
        default=2048,
        ge=256,
        description="The most memory that the engine of features may take; larger inputs spill to disk.",
        json_schema_extra=_about(counts="MiB of the feature engine, not of the whole process"),
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Threads of features and training. Absent: one per core.",
        json_schema_extra=_about(),
    )


def _frozen(categories: dict[str, Category]) -> Mapping[str, Category]:
    return MappingProxyType(categories)


class Settings(_Section):
    """The whole configuration; absent sections take their defaults. See :func:`andante.settings.load`."""

    consent: Consent = Consent()
    budget: Budget = Budget()
    caps: Annotated[tuple[Cap, ...], Field(strict=False)] = ()
    quiet_hours: QuietHours | None = None
    categories: Annotated[
        dict[Annotated[str, Field(min_length=1)], Category],
        AfterValidator(_frozen),
        PlainSerializer(dict, return_type=dict[str, Any]),
    ] = Field(default_factory=lambda: MappingProxyType({}))  # type: ignore[arg-type]
    experiment: Experiment = Experiment()
    engine: EngineSettings = EngineSettings()
    plan: PlanSettings = PlanSettings()
