"""Batches over HTTP beside the codec alone: reading the same bytes and writing the same answers, and nothing else."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from andante.benchmarks.engine_figures import Figure, compared, measured
from andante.benchmarks.measure import measure
from andante.benchmarks.service_questions import CONFIG, question, users
from andante.benchmarks.service_server import served

AT_ONCE, CONNECTIONS = 1_000, 4
BODIES = 50
"""How many batches go round: each user is asked about once a round."""

ENOUGH_PER_S, SHARE_OF_CODEC = 100_000, 0.5
PATH = "/v1/decisions/batch"
MSGPACK = "application/msgpack"
_HERE, _LOAD = "andante.benchmarks.service_batches", "andante.benchmarks.service_load"


def batch_figures(seconds: float, repeats: int, folder: Path) -> list[Figure]:
    """Measure batches of a thousand as JSON and as tables of MessagePack, each in turn with the codec alone."""
    runs: dict[str, list[dict[str, Any]]] = {"JSON": [], "MessagePack": []}
    codec: dict[str, list[float]] = {kind: [] for kind in runs}
    for _ in range(repeats):
        for kind, several in runs.items():
            with TemporaryDirectory(dir=folder, prefix="andante-bench-") as place:
                config: dict[str, Any] = {**CONFIG}
                with served(Path(place) / "service.db", config, waiting_max=100_000) as server:
                    order = {
                        "url": server.url, "path": PATH, "bodies": bodies(kind), "connections": CONNECTIONS,
                        "seconds": seconds, "media_type": MSGPACK if kind == "MessagePack" else "application/json",
                    }  # fmt: skip
                    several.append(measure(f"{_LOAD}:load", order).result)
            codec[kind].append(measure(f"{_HERE}:codec", {"kind": kind, "seconds": seconds / 2}).result)
    return [figure for kind, several in runs.items() for figure in _figures(kind, several, codec[kind])]


def bodies(kind: str, count: int = BODIES) -> list[str]:
    """Return batches as text, or as hexadecimal digits where they are no text."""
    asked = [users(batch * AT_ONCE, AT_ONCE) for batch in range(count)]
    if kind == "JSON":
        return [msgspec.json.encode({"requests": list(map(question, batch))}).decode() for batch in asked]
    return [msgspec.msgpack.encode(_table(batch)).hex() for batch in asked]


def codec(kind: str, seconds: float) -> float:
    """Return how many decisions a second the codec alone would allow: one thread that reads and writes, and no more."""
    return _rate(_json_once() if kind == "JSON" else _msgpack_once(), seconds)


def _figures(kind: str, runs: list[dict[str, Any]], codec_per_s: list[float]) -> list[Figure]:
    ours = [run["per_s"] * AT_ONCE for run in runs]
    lowest = min(codec_per_s)
    enough = min(SHARE_OF_CODEC, ENOUGH_PER_S / lowest)
    note = (
        f"{CONNECTIONS} connections, durable; enough is {ENOUGH_PER_S:,}/s or half of the codec's limit; "
        f"statuses {runs[0]['statuses']}; the generator was busy {max(run['busy'] for run in runs):.0%} of one core"
    )
    what = f"batches of {AT_ONCE:,} in {kind}"
    return [
        compared("batches", what, "decisions/s", ours, codec_per_s, "of msgspec alone", at_least=enough, note=note),
        measured("batches", f"{what}: p50 of a call", "ms", [run["p50_ms"] for run in runs]),
        measured("batches", f"{what}: p99 of a call", "ms", [run["p99_ms"] for run in runs]),
    ]


def _table(batch: list[str]) -> dict[str, Any]:
    asked = [question(user)["candidates"][0] for user in batch]
    return {"user_id": batch, **{name: [one[name] for one in asked] for name in asked[0]}}


def _json_once() -> Callable[[], None]:
    from andante import Engine
    from andante.service.shapes import Batch, Decisions

    body = bodies("JSON", 1)[0].encode()
    decoder, encoder = msgspec.json.Decoder(Batch), msgspec.json.Encoder()
    with Engine.open(":memory:", CONFIG) as engine:
        answer = Decisions(engine.decide(decoder.decode(body).requests))

    def once() -> None:
        decoder.decode(body)
        encoder.encode(answer)

    return once


def _msgpack_once() -> Callable[[], None]:
    from andante import Engine
    from andante.service.shapes import Columns, DecidedColumns

    batch = users(0, AT_ONCE)
    body = msgspec.msgpack.encode(_table(batch))
    decoder, encoder = msgspec.msgpack.Decoder(Columns), msgspec.msgpack.Encoder()
    with Engine.open(":memory:", CONFIG) as engine:
        decided = engine.decide(list(map(question, batch)))
    answer = DecidedColumns(
        decision_id=[one.decision_id for one in decided],
        action=[one.action for one in decided],
        row=list(range(len(decided))),
        send_at=[one.send_at or datetime.now(UTC) for one in decided],
        reasons=[list(one.reasons) for one in decided],
        propensity=[one.propensity for one in decided],
        plan_per_week=[one.plan_per_week for one in decided],
        policy_version=[one.policy_version for one in decided],
    )

    def once() -> None:
        decoder.decode(body)
        encoder.encode(answer)

    return once


def _rate(once: Callable[[], None], seconds: float) -> float:
    for _ in range(20):
        once()
    start, turns = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        once()
        turns += 1
    return turns * AT_ONCE / (time.perf_counter() - start)
