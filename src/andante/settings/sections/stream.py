"""The section ``[stream]``: pages that hold a line open, what they may say, and how long pushes are kept for them."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from andante.settings.sections.values import Between, Duration, Section, about

_MACHINE = "the machine's, not event time"
_LINES = "lines that are open: WebSockets and event streams"


class Stream(Section):
    """Live pushes to pages, over WebSocket and as server-sent events, and the feed behind them."""

    lines_max: int = Field(
        default=20_000,
        ge=1,
        le=1_000_000,
        description="The most lines of all users; who comes beyond is told to come back (503).",
        json_schema_extra=about(counts=_LINES),
    )
    lines_per_user_max: int = Field(
        default=8,
        ge=1,
        le=1_000,
        description="The most lines of one user, such as tabs and devices; more are refused (429).",
        json_schema_extra=about(counts=_LINES),
    )
    ticket_life: Annotated[Duration, Between("PT5S", "PT10M")] = Field(
        default=timedelta(minutes=1),
        description="How long a page may take to open its line with a ticket, which works once.",
        json_schema_extra=about(clock=_MACHINE),
    )
    line_life: Annotated[Duration, Between("PT1M", "P7D")] = Field(
        default=timedelta(hours=12),
        description="After how long a line ends, so that its page has to bring a new ticket.",
        json_schema_extra=about(clock=_MACHINE),
    )
    heartbeat: Annotated[Duration, Between("PT1S", "PT5M")] = Field(
        default=timedelta(seconds=20),
        description="How often an event stream that has nothing to say is written to, so that nobody on the way "
        "believes it dead. WebSockets have pings of their own.",
        json_schema_extra=about(clock=_MACHINE),
    )
    slow: Annotated[Duration, Between("PT1S", "PT5M")] = Field(
        default=timedelta(seconds=15),
        description="How long a page may not read before its line is dropped; it resumes by id.",
        json_schema_extra=about(clock=_MACHINE),
    )
    feedback_per_minute: int = Field(
        default=120,
        ge=1,
        le=100_000,
        description="How much a page may report in a minute; more is refused.",
        json_schema_extra=about(clock=_MACHINE, counts="messages on one WebSocket"),
    )
    keep_per_user: int = Field(
        default=200,
        ge=1,
        le=100_000,
        description="How many pushes are kept for a user's pages; where another one comes, the oldest goes.",
        json_schema_extra=about(counts="pushes in one user's feed"),
    )
    keep: Annotated[Duration, Between("PT1H", "P400D")] = Field(
        default=timedelta(days=30),
        description="How long a push is kept for pages that were away, unless it expires before.",
        json_schema_extra=about(clock=_MACHINE),
    )
    live_per_second: int = Field(
        default=50,
        ge=1,
        le=1_000,
        description="How many decisions operators are shown as they happen; above, every n-th is shown.",
        json_schema_extra=about(counts="decisions"),
    )
