"""The section ``[operators]``: when one person is not enough, and how long an operator stays signed in."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from andante.settings.sections.values import Between, Duration, Section, about

_MACHINE = "the machine's, not event time"


class OperatorSettings(Section):
    """The people who run the engine."""

    approval_above: int = Field(
        default=1_000,
        ge=0,
        description="A campaign that would reach more users than this in a week needs a second person's approval. "
        "0: every one that reaches anybody.",
        json_schema_extra=about(counts="users that a dry run of the campaign reaches"),
    )
    session_life: Annotated[Duration, Between("PT5M", "P30D")] = Field(
        default=timedelta(hours=12),
        description="How long an operator stays signed in.",
        json_schema_extra=about(clock=_MACHINE),
    )
    launch_chunk: int = Field(
        default=1_000,
        ge=1,
        le=1_000,
        description="How many users a campaign asks about at once: a launch that is stopped ends within so many.",
        json_schema_extra=about(counts="users of one campaign"),
    )
    complaints_open_max: int = Field(
        default=20,
        ge=1,
        le=1_000,
        description="The most complaints of one shopper that may wait for an answer.",
        json_schema_extra=about(counts="complaints of one shopper without an answer"),
    )
