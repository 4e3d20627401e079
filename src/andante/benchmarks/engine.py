"""The engine measured: the step in memory, durable decisions, its nearest peer, opening and starting, in one run.

Every part runs in fresh interpreters, and what is compared runs in turn, so that a busy moment of the machine meets
both sides. Each figure is the median of its repeats, with the lowest and the highest beside it.
"""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from rich.console import Console

from andante.benchmarks import engine_durable, engine_history, engine_kernel, engine_opening, engine_peer, engine_start
from andante.benchmarks.engine_figures import Figure, show

USERS, REPEATS = 1_000_000, 5
DURABLE_SHARE, DURABLE_DECISIONS = 10, 2
"""One user in so many is in the durable part, and is asked about so often."""

PEER_USERS_MAX, PEER_SHARE = 3_000, 250

Part = tuple[str, Callable[[], list[Figure]]]


def engine(
    users: int = USERS,
    repeats: int = REPEATS,
    *,
    history: int = engine_history.HISTORIES[-1],
    peer_python: Path | None = None,
    folder: Path | None = None,
) -> list[dict[str, Any]]:
    """Measure everything over so many users, print a table, and return the figures as JSON takes them.

    ``history`` bounds the longest past of a user. ``peer_python`` is the peer's interpreter, or one to make its
    environment with; without any, its figures are left out, and a line says so. Databases are written into ``folder``,
    which should be on a real disk (the folder for temporary files, unless given).
    """
    console = Console()
    peer, said = engine_peer.peer_interpreter(peer_python)
    console.print(f"Peer: {said}" if peer else f"Peer: left out, because there is {said}", highlight=False)
    place = folder or Path(gettempdir())
    few, asked = max(1, users // DURABLE_SHARE), max(50, min(PEER_USERS_MAX, users // PEER_SHARE))
    parts: list[Part] = [
        ("the step in memory", lambda: engine_kernel.step_figures(users, repeats)),
        ("a user's history", lambda: engine_history.history_figures(history, repeats)),
        (
            "durable batches",
            lambda: engine_durable.durable_figures(few, few * DURABLE_DECISIONS, repeats, place),
        ),
        ("many durable callers", lambda: engine_peer.callers_figures(asked, repeats, place, peer)),
        ("the peer in memory", lambda: engine_peer.memory_figures(asked, repeats, peer)),
        ("opening and replaying", lambda: engine_opening.opening_figures(users, users, repeats, place)),
        ("starting", lambda: engine_start.start_figures(repeats)),
    ]
    figures = [
        figure for number, part in enumerate(parts, 1) for figure in _run(part, f"{number}/{len(parts)}", console)
    ]
    show(figures, console)
    return [figure.to_dict() for figure in figures]


def _run(part: Part, number: str, console: Console) -> list[Figure]:
    """Measure one part, and say so before and after."""
    name, figures_of = part
    console.print(f"[{number}] {name} ...", markup=False, highlight=False)
    start = time.perf_counter()
    figures = figures_of()
    console.print(f"[{number}] {name}: {time.perf_counter() - start:.0f} s", markup=False, highlight=False)
    return figures
