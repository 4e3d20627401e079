"""A client for a running service: the same calls as the engine's, over HTTP, with retries that are safe.

``from andante import Client, AsyncClient``. Records in and out are those of ``andante.vocabulary.records``.
"""

from andante.vocabulary.fault import MissingExtra

try:
    import httpx  # noqa: F401  looked for before anything that needs it
    import stamina  # noqa: F401
except ModuleNotFoundError as missing:
    raise MissingExtra("library", missing.name, "is not installed", "pip install 'andante[client]'") from missing

from andante.client.awaiting import AsyncClient
from andante.client.blocking import Client
from andante.client.faults import Busy, Denied, ServiceFault, Unreachable
from andante.client.patience import Patience

__all__ = ["AsyncClient", "Busy", "Client", "Denied", "Patience", "ServiceFault", "Unreachable"]
