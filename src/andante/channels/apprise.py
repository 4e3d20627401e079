"""Apprise: whatever its library reaches that has no channel here. It can do little, and refuses the rest loudly.

It reports nothing later, keeps no push for a while and takes none back, shows text alone, and tells success from
failure but not what a failure was: whether a push that failed was taken, nobody knows.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from string import Formatter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import apprise as library

from andante.channels.contract import Answer, Status
from andante.channels.presentation import forms, unable, unsendable
from andante.channels.secret_file import read_secret
from andante.vocabulary.fault import InputFault, SettingsFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from andante.channels.catalogue import Means
    from andante.channels.contract import Address, Push
    from andante.settings.sections.channels import AppriseOptions

WAIT_S: Final = 20.0
_NAME = re.compile(r"[a-z_]{1,32}")
_VALUE = re.compile(r"[^\x00-\x20\x7f]{1,256}")


class Apprise:
    """One service of Apprise as a channel. Names in braces in its URL are filled in from a user's address."""

    provider = "apprise"
    forms = forms("apprise")

    def __init__(self, url: str, *, now_s: Callable[[], float] = time.time) -> None:
        """Store the URL. Raises ValueError where the library knows no such service."""
        self._url, self._now_s = url, now_s
        self._names = tuple(name for _, name, _, _ in Formatter().parse(url) if name is not None)
        if (
            not all(_NAME.fullmatch(name) for name in self._names)
            or _service(self._filled(dict.fromkeys(self._names, "1"))) is None
        ):
            raise ValueError("no service of Apprise")
        self.of_users = not self._names

    def checked(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return an address as it is to be kept: what the URL has in braces. Raises InputFault."""
        for name in self._names:
            if not isinstance(value.get(name), str) or not _VALUE.fullmatch(value[name]):
                raise InputFault(f"address {name}", None, "is no text without blanks", "send what the service needs")
        return {name: value[name] for name in self._names}

    async def send(self, push: Push, address: Address) -> Answer:
        """Make one attempt."""
        if refusal := unsendable(push, self.forms, self._now_s()):
            return refusal
        if push.expires_s is not None:
            return unable("expires", "Apprise cannot take a push back when its time is over")
        try:
            service = _service(self._filled(self.checked(address.value)))
        except InputFault as fault:
            return Answer(status=Status.GONE, code="address", detail=str(fault))
        if service is None:
            return Answer(status=Status.GONE, code="address", detail="Apprise does not take this address")
        content = push.content
        body = "\n".join(part for part in (content.body or content.title, content.url) if part)
        notifier = library.Apprise()
        notifier.add(service)
        try:
            async with asyncio.timeout(WAIT_S):
                taken = await notifier.async_notify(body=body, title=content.title)
        except Exception as error:  # noqa: BLE001  whatever it was, the push may have been on its way
            return _unknown(type(error).__name__)
        return Answer(status=Status.ACCEPTED) if taken else _unknown("failed")

    async def close(self) -> None:
        """There is nothing to let go of."""

    def _filled(self, values: Mapping[str, str]) -> str:
        return self._url.format_map({name: quote(value, safe="") for name, value in values.items()})


def apprise(options: AppriseOptions, means: Means) -> Apprise:  # noqa: ARG001  every provider is opened the same way
    """Open the channel. Raises SettingsFault where its URL cannot be used: it holds secrets, so it is not shown."""
    urls = read_secret("urls_file", options.urls_file).split()
    if len(urls) != 1:
        problem, action = f"holds {len(urls)} URLs", "keep one, and write a table for each other one"
        raise SettingsFault("urls_file", options.urls_file, problem, action)
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it would log what pushes say, and to whom
    try:
        return Apprise(urls[0])
    except (ValueError, KeyError):
        action = "see which URLs Apprise knows"
        raise SettingsFault("urls_file", options.urls_file, "holds no URL that Apprise knows", action) from None


def _service(url: str) -> library.NotifyBase | None:
    return library.Apprise.instantiate(url)


def _unknown(code: str) -> Answer:
    return Answer(status=Status.AMBIGUOUS, code=code, detail="Apprise does not tell whether the push was taken")
