"""Tokens: what a provider gives or takes as proof that it is us, kept until shortly before it ends.

However many pushes wait for one, it is fetched once. It appears in no answer, as little as the secret it is got with.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

from andante.channels.contract import Answer, Status
from andante.channels.http import NoReply
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    import re
    from collections.abc import Awaitable, Callable, Mapping

    from andante.channels.http import Http, Reply

EARLY_S: Final = 300.0
"""So long before its end a token is not used any more: a push may be on its way for a while."""

_OURS: Final = {401, 403}  # with 400: the provider does not take what we say we are
_FORM: Final = "application/x-www-form-urlencoded"


class Token(NamedTuple):
    """A proof, and until when it holds."""

    value: str
    ends_s: float


class Tokens:
    """The token of one channel. It belongs to one event loop."""

    def __init__(
        self, fetch: Callable[[], Awaitable[Token]], *, early_s: float = EARLY_S, now_s: Callable[[], float] = time.time
    ) -> None:
        """Store how one is fetched; ``fetch`` raises NoReply where there is none to be had."""
        self._fetch, self._early_s, self._now_s = fetch, early_s, now_s
        self._token: Token | None = None
        self._fetching: asyncio.Task[Token] | None = None

    async def value(self) -> str:
        """Return a token that holds, a new one where the last one ends soon. Raises NoReply."""
        token = self._token
        if token is not None and self._now_s() < token.ends_s - self._early_s:
            return token.value
        return await self._fetched()

    async def after(self, refused: str) -> str:
        """Return another token than one that was refused; whoever comes second gets the first one's. Raises NoReply."""
        if self._token is not None and self._token.value == refused:
            self._token = None
        return await self.value()

    async def close(self) -> None:
        """End a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    async def _fetched(self) -> str:
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._keep())
        token = await asyncio.shield(self._fetching)  # who gives up waiting takes it from nobody else
        return token.value

    async def _keep(self) -> Token:
        try:
            self._token = await self._fetch()
            return self._token
        finally:
            self._fetching = None


async def granted(http: Http, url: str, form: Mapping[str, str], now_s: Callable[[], float]) -> Token:
    """Fetch an access token (RFC 6749) from a provider. Raises NoReply, with BUSY or UNABLE: no push was sent yet."""
    try:
        reply = await http.post(url, urlencode(form).encode(), {"content-type": _FORM, "accept": "application/json"})
    except NoReply as failure:
        known = failure.answer
        status = Status.UNABLE if known.status is Status.UNABLE else Status.BUSY
        raise NoReply(Answer(status=status, code=f"token {known.code}", detail="no access token was given")) from None
    said = reply.json()
    value, lasts_s = said.get("access_token"), said.get("expires_in")
    if reply.status == 200 and isinstance(value, str) and value and isinstance(lasts_s, int) and lasts_s > 0:  # noqa: PLR2004  HTTP's
        return Token(value, now_s() + lasts_s)
    raise NoReply(_not_granted(reply, said))


def _not_granted(reply: Reply, said: Mapping[str, Any]) -> Answer:
    """Return what it means that there is no token; the answer holds nothing of the reply but its error's name."""
    named = said.get("error")
    code = f"token {reply.status}" + (f" {named}" if isinstance(named, str | int) else "")
    if reply.status in _OURS or reply.status == 400 or reply.status // 100 in {2, 3}:  # noqa: PLR2004  HTTP's
        return Answer(status=Status.UNABLE, code=code[:80], detail="the provider does not take our credentials")
    return Answer(
        status=Status.BUSY, code=code[:80], detail="no access token was given", retry_after_s=reply.retry_after_s()
    )


async def post_with(
    tokens: Tokens, post: Callable[[str], Awaitable[Reply]], *, refused: Callable[[Reply], bool]
) -> Reply:
    """Post with a token; where the provider refuses it, once more with a new one. Raises NoReply.

    A refused token means that the push was not looked at: both posts are one attempt.
    """
    token = await tokens.value()
    reply = await post(token)
    return await post(await tokens.after(token)) if refused(reply) else reply


def device_token(value: Mapping[str, Any], pattern: re.Pattern[str]) -> str:
    """Return the token of an address. Raises InputFault where there is none of this form."""
    token = value.get("token")
    if not isinstance(token, str) or not pattern.fullmatch(token):
        raise InputFault(
            "address token", None, "is no token of this provider", "send it as the provider's library gave it"
        )
    return token
