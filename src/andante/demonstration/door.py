"""The door: what the shoppers and their shop say over HTTP, and what they hear: the time, and what went out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import httpx
import msgspec
from msgspec import Struct

from andante.client import Client, Patience
from andante.client.faults import fault_of, unreachable
from andante.demonstration.planning import Terms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from andante.demonstration.names import Told
    from andante.demonstration.planning import Plan

PUSHES, WORDS = "/demo/pushes", "/demo/complaints"

TIMEOUT_S = 20.0


class Push(Struct, frozen=True, omit_defaults=True):
    """A push that went out."""

    decision_id: str
    user_id: str
    candidate_id: str
    category: str
    sent_at_s: int
    campaign_id: str = ""


class News(Struct, frozen=True):
    """What time it is, what went out since the last time that was asked, and what plans are to be like."""

    now_us: int
    speed: float
    position: int
    pushes: list[Push]
    terms: Terms


class Door:
    """Calls of one service; used by one thread."""

    def __init__(self, url: str, key: str | None = None) -> None:
        """Store where it is. Nothing is called yet."""
        shown = {} if key is None else {"authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_S, headers=shown, trust_env=False)
        self._client = Client(patience=Patience(), http=self._http)
        self._position = -1

    def __enter__(self) -> Self:
        """Return the door."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of connections."""
        self._http.close()

    def news(self, told_us: int) -> News:
        """Say up to when everything was told, and hear what is new. The first time, nothing that went out is new."""
        body = self._ask("GET", f"{PUSHES}?after={self._position}&told={told_us}")
        news = msgspec.json.decode(body, type=News)
        self._position = news.position
        return news

    def meet(self, user_id: str, wishes: Told) -> None:
        """Say what a shopper wants."""
        self._client.set_preferences(user_id, wishes)

    def happened(self, events: Sequence[Told]) -> None:
        """Say what shoppers did."""
        if events:
            self._client.ingest(events)

    def ask(self, requests: Sequence[Told]) -> None:
        """Ask to push. The answers are not waited for here: what goes out comes by :meth:`news`, as to a phone."""
        if requests:
            self._client.decide_many(requests)

    def came(self, outcomes: Sequence[Told]) -> None:
        """Say what came of pushes."""
        if outcomes:
            self._client.observe(outcomes)

    def publish(self, everybody: Sequence[str], plan: Plan) -> None:
        """Hand over a plan. Who does not want to be planned for is left out by the service."""
        rows = zip(everybody, plan.per_week.tolist(), plan.interest.tolist(), strict=True)
        entries = [{"user_id": who, "plan_per_week": pace, "interest": interest} for who, pace, interest in rows]
        self._client.publish(entries, theta=plan.theta)

    def complain(self, words: Told) -> None:
        """Complain in words."""
        self._ask("POST", WORDS, words)

    def _ask(self, method: str, path: str, said: Any = None) -> bytes:
        content = b"" if said is None else msgspec.json.encode(said)
        try:
            answer = self._http.request(method, path, content=content, headers={"content-type": "application/json"})
        except httpx.TransportError as error:
            raise unreachable(f"{method} {path}", error) from error
        if not answer.is_success:
            raise fault_of(f"{method} {path}", answer.status_code, answer.headers, answer.content)
        return answer.content
