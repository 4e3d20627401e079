"""Overload: more is asked than can be decided. Memory must stay bounded, and who gets no turn must be told so."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from andante.benchmarks.engine_figures import Figure, measured
from andante.benchmarks.measure import measure
from andante.benchmarks.service_questions import CONFIG, question, users
from andante.benchmarks.service_server import Server, served

CONNECTIONS, AT_ONCE = 512, 200
WAITING_MAX, BODIES_MAX_MIB = 20_000, 64
GROWTH_MIB_MAX = 256.0
"""How far memory may grow: the bodies that may be held, and what is made of the requests that may wait."""

CALLS_PER_MINUTE = 100
_LOAD = "andante.benchmarks.service_load:load"


def overload_figures(seconds: float, repeats: int, folder: Path) -> list[Figure]:
    """Measure a service that is asked five times what may wait, and one whose caller calls too often."""
    crowded = [_crowded(seconds, folder) for _ in range(repeats)]
    limited = [_limited(seconds, folder) for _ in range(repeats)]
    offered = CONNECTIONS * AT_ONCE
    return [
        measured(
            "overload", f"{offered:,} requests at once, {WAITING_MAX:,} may wait: memory above rest", "MiB",
            [run["growth_mib"] for run in crowded], at_most=GROWTH_MIB_MAX,
            note=f"statuses {crowded[0]['statuses']}; {crowded[0]['after']}",
        ),
        measured("overload", "of the answers, share of 503", "of 1", [_share(run, "503") for run in crowded]),
        measured(
            "overload", "decisions/s of those that had their turn", "decisions/s",
            [run["statuses"].get("200", 0) * AT_ONCE / run["seconds"] for run in crowded],
        ),
        measured("overload", "p99 of an answer, whichever it is", "ms", [run["p99_ms"] for run in crowded]),
        measured(
            "overload", f"{CALLS_PER_MINUTE:,} calls a minute allowed: share of 429", "of 1",
            [_share(run, "429") for run in limited], note=f"statuses {limited[0]['statuses']}",
        ),
    ]  # fmt: skip


def batch(first: int, count: int = AT_ONCE) -> str:
    """Return a batch of requests as JSON."""
    return msgspec.json.encode({"requests": list(map(question, users(first, count)))}).decode()


def _crowded(seconds: float, folder: Path) -> dict[str, Any]:
    with (
        TemporaryDirectory(dir=folder, prefix="andante-bench-") as place,
        served(Path(place) / "service.db", CONFIG, waiting_max=WAITING_MAX, bodies_max_mib=BODIES_MAX_MIB) as server,
    ):
        _ask(server, 4, seconds / 2)  # memory that a busy service needs anyway
        rest_mib = server.memory_mib("VmHWM")
        run = _ask(server, CONNECTIONS, seconds)
        run["growth_mib"] = server.memory_mib("VmHWM") - rest_mib
        after = _ask(server, 4, seconds / 4)
        run["after"] = f"afterwards {after['statuses']}, p50 {after['p50_ms']:.0f} ms a call"
        return run


def _limited(seconds: float, folder: Path) -> dict[str, Any]:
    from andante.service.keys import new_key

    shop = new_key()
    keys = [{"name": "shop", "sha256": shop.sha256, "scopes": ["decisions"]}]
    with (
        TemporaryDirectory(dir=folder, prefix="andante-bench-") as place,
        served(Path(place) / "service.db", CONFIG, keys=keys, calls_per_minute=CALLS_PER_MINUTE) as server,
    ):
        return _ask(server, 8, seconds, {"authorization": f"Bearer {shop.key}"})


def _ask(server: Server, connections: int, seconds: float, headers: dict[str, str] | None = None) -> dict[str, Any]:
    order = {
        "url": server.url, "path": "/v1/decisions/batch", "bodies": [batch(n * AT_ONCE) for n in range(50)],
        "connections": connections, "seconds": seconds, "headers": headers or {},
    }  # fmt: skip
    found: dict[str, Any] = measure(_LOAD, order).result
    return found


def _share(run: dict[str, Any], status: str) -> float:
    share: float = run["statuses"].get(status, 0) / max(1, run["answers"])
    return share
