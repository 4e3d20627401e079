"""Cids of JPush: names that make a repeated push harmless, out of a pool that JPush gives them from."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from andante.channels.contract import Answer, Status
from andante.channels.http import NoReply

if TYPE_CHECKING:
    from collections.abc import Callable

    from andante.channels.http import Http, Reply

KEPT_MAX: Final = 10_000
AT_ONCE: Final = 10
"""The most that JPush gives at once to everybody."""

LASTS_S: Final = 80_000.0
"""JPush keeps one for a day; we let go of it a little earlier."""

WAIT_S: Final = 10.0
_REFUSED: Final = frozenset({401, 403})
_OK: Final = 200


class Cids:
    """The cids of pushes: the same for every attempt at one push to one address, while this process lives."""

    def __init__(
        self, http: Http, endpoint: str, authorization: str, *, now_s: Callable[[], float] = time.time
    ) -> None:
        """Store where they come from, and what proves who we are. Who made ``http`` closes it."""
        self._http, self._now_s = http, now_s
        self._url = f"{endpoint}/v3/push/cid?count={AT_ONCE}"
        self._headers = {"authorization": authorization, "accept": "application/json"}
        self._given: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()
        self._spare: list[tuple[str, float]] = []
        self._asking = asyncio.Lock()

    async def of(self, decision_id: str, address_id: str) -> str:
        """Return the cid of a push. Raises NoReply, with BUSY or UNABLE: nothing was sent."""
        key, now_s = (decision_id, address_id), self._now_s()
        async with self._asking:
            given = self._given.get(key)
            if given is None or given[1] < now_s:
                self._spare = [one for one in self._spare if one[1] > now_s] or await self._more(now_s)
                given = self._given[key] = self._spare.pop()
                while len(self._given) > KEPT_MAX:
                    self._given.popitem(last=False)
            return given[0]

    async def _more(self, now_s: float) -> list[tuple[str, float]]:
        reply = await self._asked()
        cids = reply.json().get("cidlist")
        if reply.status == _OK and isinstance(cids, list) and cids:
            return [(str(cid), now_s + LASTS_S) for cid in cids]
        raise NoReply(_no_cid(Status.UNABLE if reply.status in _REFUSED else Status.BUSY, str(reply.status)))

    async def _asked(self) -> Reply:
        """Ask for more. Raises NoReply, with BUSY or UNABLE: whatever the line does, no push was sent."""
        try:
            async with asyncio.timeout(WAIT_S):
                return await self._http.get(self._url, self._headers)
        except TimeoutError:
            raise NoReply(_no_cid(Status.BUSY, "timeout")) from None
        except NoReply as failure:
            known = failure.answer
            status = Status.UNABLE if known.status is Status.UNABLE else Status.BUSY
            raise NoReply(_no_cid(status, known.code)) from None


def _no_cid(status: Status, code: str) -> Answer:
    return Answer(status=status, code=f"cid {code}", detail="JPush gave no cid, and nothing was sent")
