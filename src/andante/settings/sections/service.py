"""The section ``[service]``: where the HTTP face listens, what it takes, who may call it."""

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field

from andante.settings.sections.values import Between, Duration, Section, about, fault

SCOPES: Final = ("events", "decisions", "outcomes", "users.read", "users.write", "stream", "admin")
"""What a key can be for. ``admin`` is plans, the kill switch, messages, dead letters and metrics, not the others."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
_URL = re.compile(r"https?://[^\s?#]+")
_KEY_FORM = "tables [[service.keys]] with name, sha256 and scopes"
_CALL, _BATCH = "bytes of the body of one call", "bytes of the body of a batch, of events or of a plan"


class ServiceKey(Section):
    """One API key, of which only the digest is kept: ``andante key`` makes both."""

    name: str
    sha256: str
    scopes: tuple[str, ...]


def _keys(value: object) -> tuple[ServiceKey, ...]:
    """Read the keys, one by one, so that what is wrong is said of the key that it is wrong with."""
    if not isinstance(value, list | tuple):
        raise fault("is not a list of tables", f"write {_KEY_FORM}")
    keys = tuple(one if isinstance(one, ServiceKey) else _key(one, place) for place, one in enumerate(value))
    for field in ("name", "sha256"):
        given = [getattr(key, field) for key in keys]
        if len(set(given)) < len(given):
            raise fault(f"holds two keys of one {field}", f"give every key a {field} of its own")
    return keys


def _key(value: object, place: int) -> ServiceKey:
    which = f"[{place}]"
    if not isinstance(value, Mapping) or set(value) != {"name", "sha256", "scopes"}:
        raise fault(f"holds at {which} no name, sha256 and scopes, and nothing else", f"write {_KEY_FORM}")
    name, sha256, scopes = value["name"], value["sha256"], value["scopes"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise fault(f"holds at {which} no usable name", "write 1 to 64 letters, digits, dots, dashes or underscores")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise fault(f"holds for {name} no SHA-256", "write the 64 hexadecimal digits that `andante key` prints")
    if not isinstance(scopes, list | tuple) or not scopes or not set(scopes) <= set(SCOPES):
        raise fault(f"holds for {name} no list of scopes", f"write some of {', '.join(SCOPES)}")
    return ServiceKey(name=name, sha256=sha256, scopes=tuple(scopes))


def _origins(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and _ORIGIN.fullmatch(one) for one in value):
        raise fault("is not a list of origins", 'write them as ["https://shop.example"], without a path')
    return tuple(value)


def _networks(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(map(_is_network, value)):
        raise fault("is not a list of addresses", 'write them as ["127.0.0.1", "10.0.0.0/8"]')
    return tuple(value)


def _is_network(value: object) -> bool:
    try:
        ip_network(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def _url(value: str) -> str:
    if not _URL.fullmatch(value):
        raise fault("is not a URL", 'write where the service is reached from outside, "https://push.shop.example"')
    return value.rstrip("/")


class Service(Section):
    """The HTTP face."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="The address to listen on. Without any key it must be one of this machine alone.",
        json_schema_extra=about(),
    )
    port: int = Field(
        default=8484,
        ge=0,
        le=65_535,
        description="The port to listen on; 0 takes a free one.",
        json_schema_extra=about(),
    )
    public_url: Annotated[str, AfterValidator(_url)] | None = Field(
        default=None,
        description="Where the service is reached from outside: what the links in pushes begin with.",
        json_schema_extra=about(form='a URL, such as "https://push.shop.example"'),
    )
    drain: Annotated[Duration, Between("PT1S", "PT10M")] = Field(
        default=timedelta(seconds=20),
        description="How long a service that is told to end may take to finish what it has accepted.",
        json_schema_extra=about(clock="the machine's, not event time"),
    )
    body_max_kib: int = Field(
        default=256,
        ge=1,
        le=65_536,
        description="The largest body of a call on one thing.",
        json_schema_extra=about(counts=f"KiB: {_CALL}"),
    )
    batch_max_kib: int = Field(
        default=16_384,
        ge=1,
        le=1_048_576,
        description="The largest body of a call on many things.",
        json_schema_extra=about(counts=f"KiB: {_BATCH}"),
    )
    batch_max: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="The most requests, events or outcomes of one call. While many are decided, others wait.",
        json_schema_extra=about(counts="requests, events or outcomes of one call"),
    )
    waiting_max: int = Field(
        default=20_000,
        ge=1,
        le=10_000_000,
        description="How many may wait for their turn before callers are told to come back (503).",
        json_schema_extra=about(counts="requests, events or outcomes that wait, each by itself"),
    )
    bodies_max_mib: int = Field(
        default=256,
        ge=1,
        le=65_536,
        description="How much of callers' bodies is held at once before callers are told to come back (503).",
        json_schema_extra=about(counts="MiB of all bodies that were read and not yet answered"),
    )
    calls_per_minute: int | None = Field(
        default=None,
        ge=1,
        description="The most calls of one key in a minute; more are refused (429). Absent: no limit.",
        json_schema_extra=about(clock="the machine's, not event time", counts="calls of one key"),
    )
    page_calls_per_minute: int = Field(
        default=600,
        ge=1,
        description="The most calls of one network address in a minute that bring a token, or nothing, and no key.",
        json_schema_extra=about(clock="the machine's, not event time", counts="calls of one network address"),
    )
    outcome_token_life: Annotated[Duration, Between("PT1M", "P400D")] = Field(
        default=timedelta(days=30),
        description="How long a page may report what came of a push with the token that the push carried.",
        json_schema_extra=about(clock="the machine's, not event time"),
    )
    preference_link_life: Annotated[Duration, Between("PT1M", "P400D")] = Field(
        default=timedelta(days=30),
        description="How long a link opens a shopper's own page. Whoever holds the link is taken for the shopper.",
        json_schema_extra=about(clock="the machine's, not event time"),
    )
    cors_origins: Annotated[tuple[str, ...], BeforeValidator(_origins)] = Field(
        default=(),
        description="Origins whose pages may call. Without any, no page of another origin may.",
        json_schema_extra=about(form='a list of origins, such as ["https://shop.example"]'),
    )
    trusted_proxies: Annotated[tuple[str, ...], BeforeValidator(_networks)] = Field(
        default=(),
        description="Proxies in front of the service: what they say of a caller's address and scheme is believed.",
        json_schema_extra=about(form='a list of addresses or networks, such as ["10.0.0.0/8"]'),
    )
    access_log: bool = Field(
        default=False,
        description="Write a line for every call: its route, status and time, never a user, a token or a body.",
        json_schema_extra=about(),
    )
    keys: Annotated[tuple[ServiceKey, ...], BeforeValidator(_keys)] = Field(
        default=(),
        description="The keys that callers show. Only their digests stand here: `andante key` makes a key.",
        json_schema_extra=about(form=_KEY_FORM),
    )
