"""How a golden history is played: lines of JSON, each a call with what it answered, the last with where it all ended.

A decision of the history is named by its number, ``#7``, because the name of a log is drawn when it is made.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promise_desk import ASKED, entries, states

from andante import Engine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GOLDEN = Path(__file__).parent / "golden"
HISTORIES = ("everyday", "every_rule", "clocks_change")


class Player:
    """Plays calls on an engine, and tells what each came to."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.ids = engine, []

    def play(self, call: dict[str, Any]) -> Any:
        """Do one call, and return its answer as JSON would carry it."""
        name, body = call["call"], call["with"]
        return plain(getattr(self, f"_{name}")(body), self.ids)

    def end(self) -> dict[str, Any]:
        """Say where it ended: every user's record, and every body of the log that a decision wrote."""
        bodies = [json.dumps(entry.body, sort_keys=True) for entry in entries(self.engine) if entry.kind in ASKED]
        return {
            "states": {user: digest(state) for user, state in sorted(states(self.engine).items())},
            "decisions": digest("\n".join(bodies).encode()),
            "count": len(bodies),
        }

    def _decide(self, body: Any) -> Any:
        answers = self.engine.decide(body)
        self.ids += [answer.decision_id for answer in answers if answer.decision_id not in self.ids]
        return [answer.to_dict() for answer in answers]

    def _release(self, body: Any) -> Any:
        released = self.engine.release(datetime.fromisoformat(body))
        self.ids += [one.decision.decision_id for one in released]
        return [
            {"user_id": one.user_id, "decision": one.decision.to_dict(), "origins": list(one.origins)}
            for one in released
        ]

    def _observe(self, body: Any) -> Any:
        return self.engine.observe(
            [{**one, "decision_id": self.ids[int(one["decision_id"][1:])]} for one in body]
        ).to_dict()

    def _ingest(self, body: Any) -> Any:
        return self.engine.ingest(body).to_dict()

    def _publish(self, body: Any) -> None:
        self.engine.publish(body)

    def _set_preferences(self, body: Any) -> None:
        self.engine.set_preferences(body["user_id"], body["wishes"])

    def _switch(self, body: Any) -> None:
        self.engine.switch(body["scope"], on=body["on"])


def plain(answer: Any, ids: list[str]) -> Any:
    """Return an answer as JSON, its decisions by their numbers."""
    text = json.dumps(answer, default=str)
    for number in reversed(range(len(ids))):
        text = text.replace(f'"{ids[number]}"', f'"#{number}"')
    return json.loads(text)


def digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def read(name: str) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """Return a history's configuration, its calls with their answers, and its end."""
    first, *calls, last = map(json.loads, (GOLDEN / f"{name}.ndjson").read_text("utf-8").splitlines())
    return first["configuration"], calls, last["end"]


def record(name: str, configuration: dict[str, Any], calls: Iterable[dict[str, Any]]) -> None:
    """Play calls on today's engine, and write down what they came to."""
    with (GOLDEN / f"{name}.ndjson").open("w", encoding="utf-8") as file:
        for line in lines(configuration, calls):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def lines(configuration: dict[str, Any], calls: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield {"configuration": configuration}
    with Engine.open(":memory:", configuration) as engine:
        player = Player(engine)
        for call in calls:
            yield {**call, "answer": player.play(call)}
        yield {"end": player.end()}
