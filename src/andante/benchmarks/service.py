"""The service measured: durable decisions over HTTP beside a constant answer, its nearest peer and the codec alone.

Load comes from a process of its own, over connections that stay open and ask one thing at a time. What is compared runs
in turn against servers that differ in nothing else, in one run, so a busy moment of the machine meets both sides.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from rich.console import Console

from andante.benchmarks.engine import _run
from andante.benchmarks.engine_durable import file_system
from andante.benchmarks.engine_figures import Figure, compared, measured, show
from andante.benchmarks.engine_peer import PEER, peer_interpreter
from andante.benchmarks.measure import measure
from andante.benchmarks.peers import cue_server
from andante.benchmarks.service_batches import batch_figures
from andante.benchmarks.service_overload import overload_figures
from andante.benchmarks.service_questions import CAPS, CONFIG, USERS, question, user
from andante.benchmarks.service_server import CONSTANT, served
from andante.vocabulary.fault import Fault

CONNECTIONS, SECONDS, REPEATS = 64, 8.0, 5
CONSTANT_SHARE, PEER_TIMES = 0.5, 100.0
PEER_USERS = 2_000
BUSY_MAX = 0.9
"""A generator that was busier than this may itself have been what was measured."""

WORDS = ('"action":"send"', '"action":"defer"', '"action":"suppress"')
_LOAD = "andante.benchmarks.service_load:load"


def service(
    seconds: float = SECONDS, repeats: int = REPEATS, *, peer_python: Path | None = None, folder: Path | None = None
) -> list[dict[str, Any]]:
    """Measure everything, print a table, and return the figures as JSON takes them.

    ``seconds`` is how long each load lasts. ``peer_python`` is the peer's interpreter, or one to make its environment
    with; without any, its figures are left out, and a line says so. Databases are written into ``folder``, which should
    be on a real disk (the folder for temporary files, unless given).
    """
    console = Console()
    peer, said = peer_interpreter(peer_python)
    console.print(f"Peer: {said}" if peer else f"Peer: left out, because there is {said}", highlight=False)
    place = folder or Path(gettempdir())
    parts = [
        ("decisions", lambda: decision_figures(seconds, repeats, place, peer)),
        ("batches", lambda: batch_figures(seconds, repeats, place)),
        ("overload", lambda: overload_figures(seconds, repeats, place)),
    ]
    figures = [
        figure for number, part in enumerate(parts, 1) for figure in _run(part, f"{number}/{len(parts)}", console)
    ]
    show(figures, console, "The service")
    return [figure.to_dict() for figure in figures]


def decision_figures(seconds: float, repeats: int, folder: Path, peer: Path | None) -> list[Figure]:
    """Measure one durable decision a call at 64 connections, in turn with a constant answer and with the peer."""
    ours, constant, theirs = [], [], []
    for _ in range(repeats):
        with TemporaryDirectory(dir=folder, prefix="andante-bench-") as place:
            with served(Path(place) / "service.db", CONFIG) as server:
                ours.append(asked(server.url, "/v1/decisions", seconds))
                constant.append(asked(server.url, CONSTANT, seconds))
            if peer is not None:
                theirs.append(_theirs(peer, Path(place), seconds))
    what = f"one decision a call, {CONNECTIONS} connections"
    note = f"on {file_system(folder)}; {_told(ours)}; constant: {_told(constant)}"
    figures = [
        compared(
            "decisions", what, "decisions/s", _rates(ours), _rates(constant), "answers/s of constant JSON",
            at_least=CONSTANT_SHARE, note=note,
        ),
        *_latencies(what, ours),
        *_latencies("constant JSON", constant),
    ]  # fmt: skip
    if theirs:
        figures += [
            compared(
                "decisions", what, "decisions/s", _rates(ours), _rates(theirs), f"decisions/s by {PEER}'s server",
                at_least=PEER_TIMES, note=f"peer: {_told(theirs)}",
            ),
            *_latencies(f"{what}, {PEER}", theirs),
        ]  # fmt: skip
    return figures


def asked(  # noqa: PLR0913  who asks what, of whom, and for how long
    url: str,
    path: str,
    seconds: float,
    body: dict[str, Any] | None = None,
    *,
    connections: int = CONNECTIONS,
    headers: dict[str, str] | None = None,
    users: int = USERS,
) -> dict[str, Any]:
    """Return what a server answered to so many connections, in the load's own process."""
    asks = question(user(0)) if body is None else body
    order = {
        "url": url, "path": path, "bodies": [json.dumps(asks).replace("user-0000000", "user-%07d")],
        "connections": connections, "seconds": seconds, "headers": headers or {}, "numbered": users, "words": WORDS,
    }  # fmt: skip
    found: dict[str, Any] = measure(_LOAD, order).result
    return found


@contextmanager
def peer_served(peer: Path, folder: Path, users: int) -> Iterator[tuple[str, str]]:
    """Serve the peer's own application until the end of the block; yield its address and a key."""
    order = {"folder": str(folder), "users": [user(number) for number in range(users)], "caps": CAPS}
    with subprocess.Popen(
        [str(peer), cue_server.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None  # noqa: S101  all three are pipes
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        try:
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                fault = Fault(PEER, "its server", "did not start", f"see whether {peer} can run it")
                fault.add_note(process.stderr.read())
                raise fault
            told = json.loads(line)
            yield told["url"], told["key"]
        finally:
            process.stdin.close()
            process.terminate()
            process.wait(60)


def _theirs(peer: Path, folder: Path, seconds: float) -> dict[str, Any]:
    with peer_served(peer, folder, PEER_USERS) as (url, key):
        body = cue_server.question(user(0))
        headers = {"authorization": f"Bearer {key}"}
        return asked(url, "/v1/messages", seconds, body, headers=headers, users=PEER_USERS)


def _rates(runs: list[dict[str, Any]]) -> list[float]:
    """Return answers a second, those alone that were answers."""
    return [
        sum(count for status, count in run["statuses"].items() if status[0] == "2") / run["seconds"] for run in runs
    ]


def _latencies(what: str, runs: list[dict[str, Any]]) -> list[Figure]:
    return [
        measured("decisions", f"{what}: {name}", "ms", [run[f"{name}_ms"] for run in runs]) for name in ("p50", "p99")
    ]


def _told(runs: list[dict[str, Any]]) -> str:
    """Say what was answered, and whether the generator kept up."""
    run, busiest = runs[0], max(run["busy"] for run in runs)
    seen = ", ".join(f"{word.split(':')[1].strip(chr(34))} {count:,}" for word, count in run["seen"].items() if count)
    kept_up = "" if busiest < BUSY_MAX else ": the generator may be what was measured"
    answers = f"{run['answers']:,} answers {run['statuses']}" + (f" ({seen})" if seen else "")
    return f"{answers}, generator busy {busiest:.0%} of one core{kept_up}"
