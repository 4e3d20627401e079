"""The HTTP/2 connection beneath a request: what a peer said last on it.

httpcore tells a request of a GOAWAY where it reads; one that could not write any more hears of a broken line alone,
though the peer may have said before which streams it has looked at. httpcore has no public way to ask, so this reads
its attributes; where a later version has others, nothing is known, as without it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self

from h2.events import ConnectionTerminated

if TYPE_CHECKING:
    import httpcore

READ_BYTES: Final = 65_536


class Line:
    """One connection, as httpcore keeps it."""

    def __init__(self, connection: Any) -> None:
        """Store it."""
        self._connection = connection

    @classmethod
    def of(cls, pool: httpcore.AsyncConnectionPool, request: httpcore.Request) -> Self | None:
        """Return the line that a request of a pool has been given."""
        for one in getattr(pool, "_requests", ()):
            if one.request is request:
                return cls(getattr(one.connection, "_connection", None))
        return None

    def goaway(self) -> ConnectionTerminated | None:
        """Return the peer's last GOAWAY, if it has come here: it was read, or lies in memory and is not read yet."""
        of = self._connection
        said = getattr(of, "_connection_terminated", None)
        with suppress(Exception):  # there is no more, or the line broke amidst a frame
            tls = of._network_stream.get_extra_info("ssl_object")  # noqa: SLF001  there is no public way
            while of._connection_error and (data := tls.read(READ_BYTES)):  # noqa: SLF001  nobody else reads it any more
                for event in of._h2_state.receive_data(data):  # noqa: SLF001  as above
                    said = event if isinstance(event, ConnectionTerminated) else said
        return said if isinstance(said, ConnectionTerminated) else None
