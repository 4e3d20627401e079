"""Andante learns how often each shopper wants to be pushed, and decides whether a push goes out now, later, or never.

Behaviour events and message logs flow in; a weekly push plan for every user flows out, and in real time a decision on
every push, with its reasons.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from andante.client import AsyncClient, Client
    from andante.live.engine import Engine

__version__ = "0.1.0"
__all__ = ["AsyncClient", "Client", "Engine", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the engine when it is first asked for: ``andante --help`` needs no compiler."""
    if name == "Engine":
        from andante.live.engine import Engine  # noqa: PLC0415  the point of this function

        return Engine
    if name in {"Client", "AsyncClient"}:
        from andante import client  # noqa: PLC0415  httpx is an extra

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
