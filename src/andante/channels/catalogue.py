"""From settings to channels: by the name of the provider, ours or a plugin's.

A plugin is an installed package with an entry point in the group ``andante.channels``: the provider's name, and a
function of its settings and of :class:`Means` that returns a :class:`~andante.channels.contract.Channel`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from andante.vocabulary.fault import MissingExtra, SettingsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from andante.channels.contract import Channel
    from andante.channels.in_app import Feed
    from andante.settings.sections.channels import ChannelOptions

GROUP: Final = "andante.channels"

BUILT_IN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "apns": "andante.channels.apns:apns",
        "apprise": "andante.channels.apprise:apprise",
        "email": "andante.channels.email:email",
        "fcm": "andante.channels.fcm:fcm",
        "huawei": "andante.channels.huawei:huawei",
        "in_app": "andante.channels.in_app:in_app",
        "jpush": "andante.channels.jpush:jpush",
        "web_push": "andante.channels.web_push:web_push",
        "webhook": "andante.channels.webhook:webhook",
    }
)
"""Where our own are opened. A plugin cannot take one of these names."""

Lane: TypeAlias = tuple[str, str]
"""The shop's name of a channel, and a provider."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a channel may need that its settings cannot hold."""

    secret: Callable[[str, Callable[[], str]], str]
    """Given a name and how to make it: a secret of ours that is kept, and made when it is first asked for."""
    feed: Feed | None = None


def providers() -> tuple[str, ...]:
    """Return the names of all providers that are built in or installed."""
    return tuple(sorted({*BUILT_IN, *(entry.name for entry in entry_points(group=GROUP))}))


def build(settings: Mapping[str, ChannelOptions], means: Means) -> dict[Lane, Channel]:
    """Open every channel that is set up. Raises SettingsFault or MissingExtra; nothing is connected yet.

    A fault names the table at fault, ``channels.NAME``, and the setting in it.
    """
    lanes: dict[Lane, Channel] = {}
    for name, options in settings.items():
        lane = (options.channel or name, options.provider)
        if lane in lanes:
            problem = f"is set up twice for the channel {lane[0]}"
            raise SettingsFault(f"channels.{name}.provider", options.provider, problem, "keep one of the two")
        lanes[lane] = _opened(name, options, means)
    return lanes


def _opened(name: str, options: ChannelOptions, means: Means) -> Channel:
    factory = _factory(name, options.provider)
    try:
        channel: Channel = factory(options, means)
    except SettingsFault as fault:
        setting = f"channels.{name}.{fault.thing}"
        raise SettingsFault(setting, fault.value, fault.problem, fault.action) from fault
    return channel


def _factory(name: str, provider: str) -> Callable[[Any, Means], Any]:
    """Find what opens a provider's channel; its module is imported here, and not before."""
    try:
        if provider in BUILT_IN:
            module, _, function = BUILT_IN[provider].partition(":")
            return getattr(import_module(module), function)  # type: ignore[no-any-return]
        for entry in entry_points(group=GROUP, name=provider):
            return entry.load()  # type: ignore[no-any-return]
    except ImportError as error:
        problem = f"needs a library that is not installed ({error.name})"
        action = "pip install 'andante[channels]'" if provider in BUILT_IN else "install what the plugin needs"
        raise MissingExtra(f"channels.{name}.provider", provider, problem, action) from error
    known = ", ".join(providers())
    raise SettingsFault(
        f"channels.{name}.provider", provider, "is no provider", f"choose of {known}, or install its plugin"
    )
