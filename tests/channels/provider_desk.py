"""What tests of providers share: keys, a provider of several addresses, and one attempt at it."""

import asyncio
import json
from functools import cache

from channel_peers import Script, served, trust
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from andante.channels.http import Http, Limits

NOW_S = 1_750_000_000.0
IMPATIENT = Limits(wait_s=0.4, total_s=2, body_s=0.3)
"""For peers that never answer."""


def pem(key):
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


@cache
def google_key():
    return rsa.generate_private_key(65_537, 2_048)


@cache
def apple_key():
    return ec.generate_private_key(ec.SECP256R1())


def said(status, body=None, **headers):
    """An answer in JSON."""
    return (status, headers, b"" if body is None else json.dumps(body).encode())


class Provider:
    """An ASGI application with a script for each path that begins so."""

    def __init__(self, **scripts):
        self.scripts = {path.replace("__", "/"): Script(*answers) for path, answers in scripts.items()}

    def seen(self, path):
        return self.scripts[path].seen

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        path = next(path for path in self.scripts if scope["path"].startswith("/" + path))
        await self.scripts[path](scope, receive, send)


class Clock:
    """Hands that a test moves."""

    def __init__(self, now_s=NOW_S):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


def http(limits=None, now_s=None):
    return Http(limits=limits, trust=trust(), **({"now_s": now_s} if now_s else {}))


def attempted(make, provider, *attempts):
    """Make a channel for the address of a provider, and each attempt at it; return the answers.

    ``make`` is given the provider's URL; an attempt is a push and an address, or a coroutine function of the channel.
    """

    async def run():
        async with served(provider) as port:
            return await attempts_at(make(f"https://localhost:{port}"), attempts)

    return asyncio.run(run())


async def attempts_at(channel, attempts):
    try:
        return [await (one(channel) if callable(one) else channel.send(*one)) for one in attempts]
    finally:
        await channel.close()
        await channel.close()  # is no fault
