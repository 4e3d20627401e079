"""The section ``[delivery]``: how pushes are taken to their providers, and how often one is tried."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from andante.settings.sections.values import Between, Duration, Section, about

_MACHINE = "the server's clock"


class DeliverySettings(Section):
    """The dispatcher. It runs for the channels that have a provider; other sends are left to the caller."""

    tries: int = Field(
        default=5,
        ge=1,
        le=100,
        description="After how many attempts a push that its provider does not take is a dead letter.",
        json_schema_extra=about(counts="attempts at one push on one address"),
    )
    backoff: Annotated[Duration, Between("PT1S", "PT1H")] = Field(
        default=timedelta(seconds=2),
        description="How long to wait before the second attempt; twice as long before each further one. "
        "A provider's `Retry-After` is kept where it is longer.",
        json_schema_extra=about(clock=_MACHINE),
    )
    backoff_max: Annotated[Duration, Between("PT1S", "P1D")] = Field(
        default=timedelta(minutes=10),
        description="The longest wait between two attempts that we choose ourselves.",
        json_schema_extra=about(clock=_MACHINE),
    )
    jitter: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="By what share at most a wait is lengthened, by a draw, so that retries do not come all at once.",
        json_schema_extra=about(),
    )
    lease: Annotated[Duration, Between("PT2S", "PT1H")] = Field(
        default=timedelta(minutes=1),
        description="How long a dispatcher holds a push. An attempt may last half of it; after a crash, what was "
        "under way counts as ambiguous when its lease has ended.",
        json_schema_extra=about(clock=_MACHINE),
    )
    workers: int = Field(
        default=32,
        ge=1,
        le=1024,
        description="The most attempts under way at once.",
        json_schema_extra=about(counts="attempts on one channel at one provider"),
    )
    poll: Annotated[Duration, Between("PT1S", "PT1M")] = Field(
        default=timedelta(seconds=1),
        description="How often the log is looked at when nobody says that something was sent.",
        json_schema_extra=about(clock=_MACHINE),
    )
    drain: Annotated[Duration, Between("PT0S", "PT10M")] = Field(
        default=timedelta(seconds=10),
        description="How long a stopping dispatcher waits for attempts under way.",
        json_schema_extra=about(clock=_MACHINE),
    )
    marketing_within: Annotated[Duration, Between("PT1M", "P7D")] = Field(
        default=timedelta(hours=1),
        description="A marketing push that has not gone out so long after its decision does not go out at all: "
        "its caps were counted at that moment.",
        json_schema_extra=about(clock="since the decision's event time", counts="pushes that are not transactional"),
    )
    transactional_within: Annotated[Duration, Between("PT1M", "P7D")] = Field(
        default=timedelta(days=1),
        description="The same for a transactional push, which may wait for the end of quiet hours.",
        json_schema_extra=about(clock="since the decision's event time", counts="transactional pushes"),
    )
    keep: Annotated[Duration, Between("P1D", "P3650D")] = Field(
        default=timedelta(days=30),
        description="How long pushes that are done, dead letters and providers' reports are kept for operators.",
        json_schema_extra=about(clock=_MACHINE),
    )
