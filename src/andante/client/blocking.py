"""The client that waits for its answers. Threads may share one."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any, Literal, Self

import httpx

from andante.client import calls
from andante.client.faults import unreachable
from andante.client.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

    from andante.client.calls import Answer, Asked, Call, Came, Happened
    from andante.vocabulary.records import Decision, PlanEntry, Preferences, Receipt

AT_ONCE = 1_000
"""How many things go into one call, unless the caller says otherwise."""

TIMEOUT_S = 10.0


def shown(key: str | None) -> dict[str, str]:
    """Return the header that shows a key."""
    return {} if key is None else {"authorization": f"Bearer {key}"}


class Client:
    """Calls a service, and calls again where that is safe.

    A decision is asked for under an idempotency key, made for it unless it brings one: however often a call is repeated
    because no answer came, it is decided once. ``http`` takes an ``httpx.Client`` of one's own, with its address,
    proxies and certificates.

    Every call raises what the engine would raise (InputFault, Conflict, UnknownUser), Denied where the key is not for
    it, Busy where the service had no room as often as ``patience`` asked, and Unreachable where it gave no answer.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8484",
        key: str | None = None,
        *,
        patience: Patience | None = None,
        timeout_s: float = TIMEOUT_S,
        http: httpx.Client | None = None,
    ) -> None:
        """Store where the service is, and the API key to show. Nothing is called yet."""
        self._patience = patience or Patience()
        self._http = http or httpx.Client(base_url=url, timeout=timeout_s)
        self._shown = shown(key)

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def decide(self, request: Asked) -> Decision:
        """Ask whether one of a request's candidates goes out now, later or never."""
        return self._do(calls.decide(request, token_hex(16)))

    def decide_many(self, requests: Iterable[Asked], *, at_once: int = AT_ONCE) -> list[Decision]:
        """Ask about many requests, so many a call, and return the decisions in order.

        A call is decided as a whole or not at all. Where one fails, the parts before it are decided all the same: give
        requests an ``idempotency_key`` each, and the whole may be asked again.
        """
        return list(self.decide_each(requests, at_once=at_once))

    def decide_each(self, requests: Iterable[Asked], *, at_once: int = AT_ONCE) -> Iterator[Decision]:
        """Ask about requests as they come, so many a call, and yield the decisions in order."""
        for part in calls.parts(requests, at_once):
            yield from self._do(calls.decide_many(part, token_hex(16))).decisions

    def decide_columns(self, columns: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Ask about a table, a mapping from column to list or to one value for all; return a table, one row a request.

        It is the fastest way, and has no idempotency keys: where no answer comes, Unreachable leaves open whether it
        was decided.
        """
        return self._do(calls.decide_columns(columns))

    def ingest(self, events: Iterable[Happened], *, at_once: int = AT_ONCE) -> Receipt:
        """Tell what users did. An event that cannot be taken is rejected by itself."""
        receipts, first = [], 0
        for part in calls.parts(events, at_once):
            receipts.append(calls.moved(self._do(calls.ingest(part, token_hex(16))), first))
            first += len(part)
        return calls.whole(receipts)

    def stream(self, events: Iterable[Happened], *, at_once: int = AT_ONCE) -> Iterator[Receipt]:
        """Tell what users did as it comes, as lines of JSON, so many a call; yield the receipt of each call.

        Rejections are counted from the first event of the stream. Memory does not grow with it.
        """
        first = 0
        for part in calls.parts(events, at_once):
            yield calls.moved(self._do(calls.ingest_lines(part, token_hex(16))), first)
            first += len(part)

    def observe(self, outcomes: Iterable[Came], *, at_once: int = AT_ONCE) -> Receipt:
        """Tell what came of decisions. After a repeated call, what was accepted the first time counts as duplicate."""
        receipts, first = [], 0
        for part in calls.parts(outcomes, at_once):
            receipts.append(calls.moved(self._do(calls.observe(part)), first))
            first += len(part)
        return calls.whole(receipts)

    def set_preferences(self, user_id: str, preferences: Preferences | Mapping[str, Any]) -> dict[str, bool]:
        """Tell what a user wants; what is absent stays as it was. Returns for each key whether it holds now."""
        return self._do(calls.set_preferences(user_id, preferences))

    def publish(self, plan: Iterable[PlanEntry | Mapping[str, Any]], *, theta: float | None = None) -> Receipt:
        """Hand over what the slow clock planned."""
        return self._do(calls.publish(plan, theta))

    def switch(self, scope: str, *, on: bool) -> str:
        """Throw the kill switch for a scope, or lift it; return the policy that holds from here on."""
        return self._do(calls.switch(scope, on=on)).policy_version

    def put_message(
        self, message_id: str, message: Mapping[str, Any], *, kind: Literal["candidate", "campaign"] = "candidate"
    ) -> int:
        """Tell what pushes of a candidate or a campaign say from here on; return the version."""
        return self._do(calls.put_message(message_id, message, kind)).version

    def put_address(self, user_id: str, channel: str, provider: str, value: Mapping[str, Any]) -> str:
        """Tell where a user can be reached: what a provider's library gave the app or the page. Returns its id."""
        return self._do(calls.put_address(user_id, channel, provider, value)).address_id

    def user(self, user_id: str) -> dict[str, Any]:
        """Return what is known of a user."""
        return self._do(calls.user(user_id))

    def explain(self, user_id: str) -> dict[str, Any]:
        """Return why the last decision on a user was as it was."""
        return self._do(calls.explain(user_id))

    def export(self, user_id: str) -> dict[str, Any]:
        """Return everything that is held of a user."""
        return self._do(calls.export(user_id))

    def erase(self, user_id: str) -> dict[str, Any]:
        """Erase a user, and return the receipt.

        Where Unreachable leaves open whether it was done, ask again: UnknownUser then says that it was.
        """
        return self._do(calls.erase(user_id))

    def _do(self, call: Call[Answer]) -> Answer:
        """Make a call as often as patience and safety allow."""
        for attempt in self._patience.tried(repeats=call.repeats):
            with attempt:
                return self._once(call)
        raise AssertionError  # an attempt returns or raises

    def _once(self, call: Call[Answer]) -> Answer:
        try:
            headers = {**self._shown, **call.headers}
            response = self._http.request(call.method, call.path, content=call.content, headers=headers)
        except httpx.TransportError as error:
            raise unreachable(f"{call.method} {call.path}", error) from error
        return call.read(response.status_code, response.headers, response.content)
