"""Peers that speak the real protocols on this machine: an ASGI server over HTTP/2, and one that breaks its rules."""

import asyncio
import socket
import ssl
import tempfile
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import h2.config
import h2.connection
import h2.events
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypercorn.asyncio import serve
from hypercorn.config import Config

from andante.channels.contract import Address, Content, Push
from andante.channels.guard import Guard

HOST = "push.example"
"""The one name, beside those of this machine, that the certificate of the peers is for."""


def a_push(**changed):
    plain = {
        "decision_id": "d-1",
        "user_id": "ann",
        "candidate_id": "c-1",
        "category": "promotion",
        "channel": "push",
        "content": Content(title="Sale", body="Only today", url="https://shop.example/sale"),
        "sent_at_s": 1_750_000_000,
    }
    return Push(**(plain | changed))


def an_address(provider, value):
    return Address(user_id="ann", channel="push", provider=provider, address_id="a-1", value=value)


def names(table):
    """A resolver that knows this table, and counts how often it was asked."""

    async def resolve(host, _port):
        resolve.asked.append(host)
        if host not in table:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return table[host]

    resolve.asked = []
    return resolve


def guard_for(port, resolver=None):
    """A guard that admits one port of this machine, known by the name in the certificate."""
    return Guard(frozenset({port}), private=True, resolver=resolver or names({HOST: ["127.0.0.1"]}))


@cache
def authority():
    """A certificate authority of our own, and a certificate of its, in PEM: (authority, chain with key)."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peers")])
    ca = _certificate(ca_name, ca_name, ca_key, ca_key, x509.BasicConstraints(ca=True, path_length=0))
    known = [x509.DNSName(HOST), x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    leaf = _certificate(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")]),
        ca_name,
        key,
        ca_key,
        x509.SubjectAlternativeName(known),
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = serialization.Encoding.PEM
    return ca.public_bytes(pem), leaf.public_bytes(pem) + private


def _certificate(subject, issuer, key, signer, extension):
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )


def trust():
    """What a client needs to believe the peers."""
    return ssl.create_default_context(cadata=authority()[0].decode())


@contextmanager
def chain_file():
    """The certificate of the peers with its key, in a file: servers take nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder, "chain.pem")
        chain.write_bytes(authority()[1])
        yield str(chain)


def _server_side(protocols):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with chain_file() as chain:
        context.load_cert_chain(chain)
    context.set_alpn_protocols(protocols)
    return context


class Script:
    """An ASGI application that answers from a list, and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers, self.seen = list(answers), []

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.seen.append({"path": scope["path"], "version": scope["http_version"], "headers": headers, "body": body})
        status, headers, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        lines = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def served(application, host="127.0.0.1"):
    """Serve an application over TLS and HTTP/2, on a free port, which is yielded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening, chain_file() as chain:
        listening.bind((host, 0))
        config = Config()
        config.bind, config.certfile, config.keyfile = [f"fd://{listening.fileno()}"], chain, chain
        config.loglevel, config.graceful_timeout = "CRITICAL", 1
        listening.listen()
        stop = asyncio.Event()
        task = asyncio.create_task(serve(application, config, shutdown_trigger=stop.wait))
        try:
            yield listening.getsockname()[1]
        finally:
            stop.set()
            listening.detach()  # the server closes it
            await task


@asynccontextmanager
async def speaking(talk, *, protocols=("h2",), tls=True):
    """Serve connections by a coroutine of the reader and the writer, on a free port, which is yielded."""
    tasks = set()

    async def connected(reader, writer):
        tasks.add(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await talk(reader, writer)
        writer.transport.abort()

    context = _server_side(list(protocols)) if tls else None
    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def frames(react):
    """A peer that speaks HTTP/2, and reacts to every event by a function of it, the connection and the writer.

    What the function returns true for ends the connection without another word.
    """

    async def talk(reader, writer):
        line = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        line.initiate_connection()
        writer.write(line.data_to_send())
        while data := await reader.read(65_536):
            for event in line.receive_data(data):
                ended = react(event, line, writer)
                with suppress(ConnectionError):
                    writer.write(line.data_to_send())
                    await writer.drain()
                if ended:
                    return

    return talk
