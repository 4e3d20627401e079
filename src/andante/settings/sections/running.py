"""The sections of machinery: the step's seed, the log, and the slow clock."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from andante.settings.sections.values import Between, Duration, Section, about


class EngineSettings(Section):
    """The deterministic step."""

    seed: int = Field(
        default=7,
        ge=0,
        le=2**63 - 1,
        description="Seed of every draw in a decision; the same seed and records give the same decisions.",
        json_schema_extra=about(form="a whole number from 0 to 2^63 - 1"),
    )


class Log(Section):
    """The durable log of a running engine."""

    retention: Annotated[Duration, Between("P1D", "P3650D")] = Field(
        default=timedelta(days=400),
        description="How long rows of the log are kept for replay and learning. Users' records outlive them.",
        json_schema_extra=about(clock="event time", counts="rows of the log"),
    )
    keys: Annotated[Duration, Between("PT1M", "P400D")] = Field(
        default=timedelta(days=7),
        description="How long an idempotency key or an event's id is remembered, and gives its first answer again.",
        json_schema_extra=about(clock="event time", counts="idempotency keys and event ids"),
    )
    checkpoint_every: int = Field(
        default=200_000,
        ge=1,
        le=2**31,
        description="After how many rows all users' records are written down. Fewer: a start after a crash is shorter.",
        json_schema_extra=about(counts="rows of the log since the last checkpoint"),
    )


class PlanSettings(Section):
    """The slow clock: what `andante run` learns and how it plans."""

    model: str = Field(
        default="forest",
        min_length=1,
        description="Name of the frequency model.",
        json_schema_extra=about(),
    )
    f_base_per_week: float = Field(
        default=3.0,
        gt=0,
        le=168,
        description="Pace of a user whose interest equals theta: f = f_base · I / theta.",
        json_schema_extra=about(clock="weeks of 7 days", counts="pushes of one user"),
    )
    f_min_per_week: float = Field(
        default=0.0,
        ge=0,
        le=168,
        description="The lowest pace in a plan.",
        json_schema_extra=about(clock="weeks of 7 days", counts="pushes of one user"),
    )
    f_max_per_week: float = Field(
        default=14.0,
        gt=0,
        le=168,
        description="The highest pace in a plan.",
        json_schema_extra=about(clock="weeks of 7 days", counts="pushes of one user"),
    )
    theta: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Threshold of interest. Absent: solved for the budget, or else the mean interest.",
        json_schema_extra=about(),
    )
    horizon_days: int = Field(
        default=7,
        ge=1,
        le=365,
        description="How far ahead interest looks: engaged is who is active in so many days after a cut-off.",
        json_schema_extra=about(clock="event time, UTC", counts="days after a cut-off"),
    )
    folds: int = Field(
        default=4,
        ge=2,
        le=52,
        description="Folds of the cross-validation, each trained on earlier cut-offs than it is judged on.",
        json_schema_extra=about(counts="cut-offs, one horizon apart"),
    )
    seed: int = Field(
        default=7,
        ge=0,
        le=2**32 - 1,
        description="Seed of training, clustering and intervals; same input and seed, same files.",
        json_schema_extra=about(form="a whole number from 0 to 2^32 - 1"),
    )
    memory_max_mib: int = Field(
        default=2048,
        ge=256,
        description="The most memory that the engine of features may take; larger inputs spill to disk.",
        json_schema_extra=about(counts="MiB of the feature engine, not of the whole process"),
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Threads of features and training. Absent: one per core.",
        json_schema_extra=about(),
    )
