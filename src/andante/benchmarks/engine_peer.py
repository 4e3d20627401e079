"""The engine beside its nearest peer, ``cue-notify``: the same questions, in memory and on a durable SQLite file.

The peer wants Python 3.12, so it runs in an environment of its own, in the shape that suits it best: with many callers
one gate between them, one gate each, or one caller alone, whichever decides most. A push that it lets out is told back
to it with ``sent``, because the engine reserves and logs it in the same call; its rate without that is stated beside.
"""

import json
import subprocess
import tempfile
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from andante.benchmarks.engine_figures import Figure, compared, measured
from andante.benchmarks.engine_questions import CAPS, QUIET_HOURS, questions, shares
from andante.benchmarks.measure import measure
from andante.benchmarks.peers import cue
from andante.vocabulary.fault import Fault

PEER = "cue-notify 0.6.0"
ENVIRONMENT = Path(".venv-peer")
MAKES_ENVIRONMENT = Path("scripts/make-peer-environment")

CALLERS, BATCH = 64, 1_000
DURABLE_TIMES, ONE_TIMES, BATCH_TIMES = 10.0, 20.0, 100.0
OURS_MORE = 4
"""How many times as many users the engine is asked about: the faster side needs more questions to be measured."""

PAST_DAYS = 100
SHARED, OWN, ALONE = f"{CALLERS} callers of one gate", f"{CALLERS} callers with a gate each", "one caller"
_ENGINE = "andante.benchmarks.engine_questions"


def peer_interpreter(given: Path | None) -> tuple[Path | None, str]:
    """Return the interpreter of the peer's environment, which is made where it is not there, and how it was found.

    ``given`` is a Python that has the peer, or one from 3.12 on to make the environment with. The interpreter is None
    where there is no such Python, or the peer could not be installed; the second answer says which.
    """
    own = ENVIRONMENT / "bin" / "python"
    for candidate in (given, own):
        if candidate is not None and _has_peer(candidate):
            return candidate, f"{PEER} of {candidate}"
    if not MAKES_ENVIRONMENT.exists():
        return None, f"no environment with {PEER}: give one as --peer-python, or run from a checkout, which can make it"
    command = [str(MAKES_ENVIRONMENT.absolute()), str(ENVIRONMENT), *([str(given)] if given else [])]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0 or not _has_peer(own):
        said = (made.stderr.strip().splitlines() or ["it says nothing"])[-1]
        return None, f"{MAKES_ENVIRONMENT} ended with exit code {made.returncode}: {said}"
    return own, f"{PEER} of {own}, made just now"


def callers_figures(users: int, repeats: int, folder: Path, peer: Path | None) -> list[Figure]:
    """Measure many callers, each waiting for one durable decision at a time."""
    ours, theirs, unmarked = [], [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory(dir=folder, prefix="andante-bench-") as name:
            place = Path(name)
            ours.append(_ours(str(place / "ours.db"), users * OURS_MORE, CALLERS))
            if peer is not None:
                theirs.append(_shapes(peer, place, users))
                unmarked.append(_theirs(peer, str(place / "unmarked.db"), users, CALLERS, marks_sent=False))
    what = f"{CALLERS} callers, one decision a call"
    figures = _latency_figures(what, ours)
    if peer is None:
        return [measured("durable", what, "decisions/s", _rates(ours), note=_told(ours[0])), *figures]
    best = [max(shapes.values(), key=_rate) for shapes in theirs]
    beside = f"decisions/s by {PEER}"
    return [
        compared(
            "durable", what, "decisions/s", _rates(ours), _rates(best), f"{beside}, best shape",
            at_least=DURABLE_TIMES, note=f"ours: {_told(ours[0])}; peer: {_told(best[0])}; {_shapes_told(theirs)}",
        ),
        compared(
            "durable", f"{what}, the peer not told of sends", "decisions/s", _rates(ours), _rates(unmarked), beside,
            note=_told(unmarked[0]),
        ),
        *figures,
        *_latency_figures(f"{what}, {PEER}", [shapes[SHARED] for shapes in theirs]),
    ]  # fmt: skip


def memory_figures(users: int, repeats: int, peer: Path | None) -> list[Figure]:
    """Measure one caller in memory: one decision a call, a thousand, and one after a hundred pushes to each user."""
    few = max(20, users // 20)
    runs: dict[str, list[dict[str, Any]]] = {}
    for _ in range(repeats):
        turn = {
            "one": _ours(":memory:", users * OURS_MORE, 1),
            "batch": _ours(":memory:", users * OURS_MORE, 1, days=2, at_once=BATCH),
            "table": _ours(":memory:", users * OURS_MORE, 1, days=2, at_once=BATCH, as_tables=True),
            "one_past": _ours(":memory:", few, 1, days=5, past_days=PAST_DAYS),
        }
        if peer is not None:
            turn |= {
                "peer": _theirs(peer, ":memory:", users, 1),
                "peer_unmarked": _theirs(peer, ":memory:", users, 1, marks_sent=False),
                "peer_past": _theirs(peer, ":memory:", few, 1, days=5, past_days=PAST_DAYS),
            }
        for name, run in turn.items():
            runs.setdefault(name, []).append(run)
    one, batch, table, past = (
        "one decision a call",
        f"{BATCH:,} decisions a call, in a list",
        f"{BATCH:,} decisions a call, in a table",
        f"one decision a call, {PAST_DAYS} past pushes",
    )
    if peer is None:
        kinds = (("one", one), ("batch", batch), ("table", table), ("one_past", past))
        return [
            measured("memory", what, "decisions/s", _rates(runs[kind]), note=_told(runs[kind][0]))
            for kind, what in kinds
        ]
    rows = (
        ("one", one, "peer", ONE_TIMES, ""),
        ("one", f"{one}, the peer not told of sends", "peer_unmarked", None, ""),
        ("batch", batch, "peer", BATCH_TIMES, " one a call"),
        ("batch", f"{batch}, the peer not told of sends", "peer_unmarked", None, " one a call"),
        ("table", table, "peer", BATCH_TIMES, " one a call"),
        ("table", f"{table}, the peer not told of sends", "peer_unmarked", None, " one a call"),
        ("one_past", past, "peer_past", ONE_TIMES, ""),
    )
    return [
        compared(
            "memory", what, "decisions/s", _rates(runs[ours]), _rates(runs[theirs]), f"decisions/s by {PEER}{how}",
            at_least=at_least, note=f"ours: {_told(runs[ours][0])}; peer: {_told(runs[theirs][0])}",
        )
        for ours, what, theirs, at_least, how in rows
    ]  # fmt: skip


def _has_peer(python: Path) -> bool:
    name, version = PEER.split()
    asks = f"from importlib.metadata import version; import sys; sys.exit(version({name!r}) != {version!r})"
    try:
        return subprocess.run([str(python), "-c", asks], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _shapes(peer: Path, place: Path, users: int) -> dict[str, dict[str, Any]]:
    """Return the peer's runs in each shape; the slow ones are asked less."""
    shapes = {SHARED: (users, CALLERS, 1), OWN: (max(1, users // 20), CALLERS, CALLERS), ALONE: (users // 4, 1, 1)}
    return {
        name: _theirs(peer, str(place / f"peer-{number}.db"), many, callers, gates=gates)
        for number, (name, (many, callers, gates)) in enumerate(shapes.items())
    }


def _ours(  # noqa: PLR0913  what the engine is ordered to do
    database: str,
    users: int,
    callers: int,
    *,
    days: int = 1,
    past_days: int = 0,
    at_once: int = 1,
    as_tables: bool = False,
) -> dict[str, Any]:
    """Return the engine's run in a fresh interpreter."""
    order = {"database": database, "users": users, "callers": callers, "at_once": at_once, "as_tables": as_tables}
    found: dict[str, Any] = measure(f"{_ENGINE}:ask_engine", {**order, "days": days, "past_days": past_days}).result
    return found


def _theirs(  # noqa: PLR0913  the peer's side of what the engine is ordered to do
    peer: Path,
    database: str,
    users: int,
    callers: int,
    *,
    days: int = 1,
    past_days: int = 0,
    gates: int = 1,
    marks_sent: bool = True,
) -> dict[str, Any]:
    """Return the peer's run in its own interpreter. Raises a Fault, with what it wrote as a note, where it broke."""
    given = questions(users, days=days, past_days=past_days)
    order = {
        "database": database,
        "quiet_hours": QUIET_HOURS,
        "caps": CAPS,
        "users": given.users,
        "past": given.past,
        "asked": shares(given.asked, callers),
        "marks_sent": marks_sent,
        "gates": gates,
    }
    run = subprocess.run(
        [str(peer), cue.__file__], input=json.dumps(order), capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        last = (run.stderr.strip().splitlines() or ["no output"])[-1]
        fault = Fault(PEER, last, f"ended with exit code {run.returncode}", f"see whether {peer} can run it")
        fault.add_note(run.stderr)
        raise fault
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def _rate(run: dict[str, Any]) -> float:
    rate: float = sum(run["mix"].values()) / run["seconds"]
    return rate


def _rates(runs: list[dict[str, Any]]) -> list[float]:
    return [_rate(run) for run in runs]


def _latency_figures(what: str, runs: list[dict[str, Any]]) -> list[Figure]:
    """Return the latency of one call: median, 99th percentile and longest, each the median over the runs."""
    p50, p99 = ([quantiles(run["latencies_s"], n=100)[place] * 1000 for run in runs] for place in (49, 98))
    longest = [max(run["latencies_s"]) * 1000 for run in runs]
    return [
        measured("durable", f"{what}: {name}", "ms", values)
        for name, values in (("p50", p50), ("p99", p99), ("longest", longest))
    ]


def _told(run: dict[str, Any]) -> str:
    """Say what was decided, so that nobody takes refusals for decisions."""
    count = sum(run["mix"].values())
    told_mix = ", ".join(
        f"{action} {seen / count:.0%}".replace("%", " %") for action, seen in sorted(run["mix"].items())
    )
    return f"{count:,} decisions, {told_mix}"


def _shapes_told(runs: list[dict[str, dict[str, Any]]]) -> str:
    return ", ".join(f"{shape} {median(_rate(run[shape]) for run in runs):,.0f}/s" for shape in (SHARED, OWN, ALONE))
