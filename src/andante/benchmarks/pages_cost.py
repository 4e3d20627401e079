"""What the dashboard costs the engine: the same load with and without it, with nobody, a browser and polls looking."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import httpx

from andante.benchmarks.engine_durable import file_system
from andante.benchmarks.engine_figures import Figure, compared, measured
from andante.benchmarks.measure import measure
from andante.benchmarks.pages_browser import POLLS, opened, show_now
from andante.benchmarks.pages_load import WARM_UP_S
from andante.benchmarks.pages_server import NOW, cpu_s, processes_below, with_dashboard
from andante.benchmarks.service import BUSY_MAX, CONNECTIONS, WORDS
from andante.benchmarks.service_questions import CONFIG, USERS, question, user
from andante.benchmarks.service_server import Server, served
from andante.vocabulary.fault import Fault

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NONE, NOBODY, PAGE, VIEWERS = "no dashboard", "nobody looks", "the page is open", "five viewers poll"
WAYS = (NONE, NOBODY, PAGE, VIEWERS)
BESIDE = ((NOBODY, NONE), (PAGE, NOBODY), (VIEWERS, NOBODY), (PAGE, NONE))
"""What is set beside what: the dashboard's own part, that of those who look, and both."""

PER_S = 500
"""What an open loop asks a second."""

KEPT_SHARE = 0.9
"""Of the rate, and of what a decision costs, how much must be left."""

LOOKS = [
    f"{NOW}now.json?span={span}&language={language}" for span in ("hour", "day", "week") for language in ("en", "zh")
]
LOOKS = LOOKS[:5]
"""What the viewers poll, each something of their own: none is given what was made for another."""

EVERY_S = 1.0
_LOADS = "andante.benchmarks.pages_load"
Run = dict[str, Any]


def cost_figures(browser: "Browser", seconds: float, repeats: int, folder: Path) -> list[Figure]:
    """Measure an open and a closed loop in each way, in turn, on a fresh server each; the turns rotate."""
    paced: dict[str, list[Run]] = {way: [] for way in WAYS}
    crowded: dict[str, list[Run]] = {way: [] for way in WAYS}
    for turn in range(repeats):
        first = turn % len(WAYS)
        for way in (*WAYS[first:], *WAYS[:first]):
            slow, fast = _measured(way, browser, seconds, folder)
            paced[way].append(slow)
            crowded[way].append(fast)
    return [*_rates(crowded, folder), *_costs(crowded), *_paces(paced)]


def order(url: str, pid: int, seconds: float, **more: Any) -> Run:
    """Return an order of load: each user in turn, one question a call."""
    body = json.dumps(question(user(0))).replace("user-0000000", "user-%07d")
    given = {"url": url, "pid": pid, "bodies": [body], "connections": CONNECTIONS, "seconds": seconds}
    return {**given, "numbered": USERS, "words": WORDS, **more}


@contextmanager
def viewers(url: str) -> Iterator[Callable[[], int]]:
    """Poll once a second each until the end of the block; yield what counts the answers. Raises Fault for refusals."""
    ended, answered, refused = threading.Event(), [0] * len(LOOKS), []

    def poll(number: int) -> None:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            while not ended.is_set():
                began_s = time.perf_counter()
                answer = client.get(LOOKS[number])
                if answer.status_code != httpx.codes.OK:
                    refused.append(answer.status_code)
                answered[number] += 1
                ended.wait(max(0.0, EVERY_S - (time.perf_counter() - began_s)))

    threads = [threading.Thread(target=poll, args=(number,)) for number in range(len(LOOKS))]
    for thread in threads:
        thread.start()
    try:
        while not all(answered) and all(thread.is_alive() for thread in threads):
            ended.wait(0.01)
        yield lambda: sum(answered)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    if refused or not all(answered):
        raise Fault("a viewer", refused or "no answer", "was not answered", "open the page and see why")


def _measured(way: str, browser: "Browser", seconds: float, folder: Path) -> tuple[Run, Run]:
    """Measure both loops in one way."""
    with TemporaryDirectory(dir=folder, prefix="andante-bench-") as place, ExitStack() as until_end:
        serve = served if way == NONE else with_dashboard
        server = until_end.enter_context(serve(Path(place) / "service.db", CONFIG))
        polls = until_end.enter_context(_looked(way, browser, server))
        slow = _beside(polls, "paced", order(server.url, server.pid, seconds, per_s=PER_S))
        fast = _beside(
            polls, "crowded", order(server.url, server.pid, seconds, first=int(PER_S * (seconds + WARM_UP_S)))
        )
        return slow, fast


def _beside(polls: Callable[[], int], how: str, asked: Run) -> Run:
    """Load a server; return what came of it, how often viewers were answered, and what the browser spent."""
    browsers = processes_below(os.getpid(), "chrom")
    seen, spent_s, began_s = polls(), cpu_s(browsers), time.perf_counter()
    run: Run = measure(f"{_LOADS}:{how}", asked).result
    wall_s = time.perf_counter() - began_s
    return {**run, "polls_per_s": (polls() - seen) / wall_s, "browser": (cpu_s(browsers) - spent_s) / wall_s}


@contextmanager
def _looked(way: str, browser: "Browser", server: Server) -> Iterator[Callable[[], int]]:
    """Let somebody look at a server, or nobody; yield what counts the polls that were answered."""
    if way == PAGE:
        with opened(browser) as page:
            show_now(page, server.url)
            yield lambda: int(page.evaluate(POLLS))
    elif way == VIEWERS:
        with viewers(server.url) as answered:
            yield answered
    else:
        yield lambda: 0


def _rates(crowded: dict[str, list[Run]], folder: Path) -> list[Figure]:
    rates = {way: [_ok(run) / run["seconds"] for run in runs] for way, runs in crowded.items()}
    sure = 1 - 2 ** (1 - len(rates[NONE]))  # neither all repeats above the median nor all below it
    holds = f"lowest to highest holds the true median ratio with a confidence of {sure:.1%}"
    return [
        compared(
            "engine", f"{CONNECTIONS} connections: {way}", "decisions/s", rates[way], rates[beside], f"/s, {beside}",
            at_least=KEPT_SHARE, note=f"on {file_system(folder)}; {holds}; {_told(crowded[way])}",
        )
        for way, beside in BESIDE
    ]  # fmt: skip


def _costs(crowded: dict[str, list[Run]]) -> list[Figure]:
    costs = {way: [run["server_cpu_s"] / run["decided"] * 1e6 for run in runs] for way, runs in crowded.items()}
    return [
        compared(
            "engine", f"the server's own processor time for a decision: {way}", "µs", costs[way], costs[beside],
            f"µs, {beside}", better="lower", at_least=KEPT_SHARE,
        )
        for way, beside in BESIDE
    ]  # fmt: skip


def _paces(paced: dict[str, list[Run]]) -> list[Figure]:
    figures = []
    for way, runs in paced.items():
        what = f"{PER_S} a second: {way}"
        figures += [
            measured(
                "pace", f"{what}: answered", "of 1", [_ok(run) / run["offered"] for run in runs], note=_told(runs)
            ),
            measured("pace", f"{what}: p50", "ms", [run["p50_ms"] for run in runs]),
            measured("pace", f"{what}: p99", "ms", [run["p99_ms"] for run in runs]),
            measured("pace", f"{what}: the server", "of a core", [_core(run) for run in runs]),
        ]
    return figures


def _ok(run: Run) -> int:
    """Return how many answers were decisions."""
    count: int = run["statuses"].get("200", 0)
    return count


def _core(run: Run) -> float:
    share: float = run["server_cpu_s"] / run["server_wall_s"]
    return share


def _told(runs: list[Run]) -> str:
    """Say what was answered, who looked how often, and what the browser and the generator took."""
    run = runs[0]
    words = ", ".join(f"{word.split(':')[1].strip(chr(34))} {count:,}" for word, count in run["seen"].items() if count)
    said = [f"{run['answers']:,} answers {run['statuses']} ({words})"]
    if run["polls_per_s"]:
        said.append(f"{min(one['polls_per_s'] for one in runs):.2g} polls a second answered at least")
    if run["browser"] > 0.005:
        said.append(f"Chromium took {max(one['browser'] for one in runs):.0%} of one core")
    busiest = max(one["busy"] for one in runs)
    said.append(
        f"generator busy {busiest:.0%} of one core" + ("" if busiest < BUSY_MAX else ": it may be what was measured")
    )
    return ", ".join(said)
