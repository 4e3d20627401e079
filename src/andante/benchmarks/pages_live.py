"""The page "Now" while the engine decides five hundred times a second, for minutes: whether it answers, and grows."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from andante.benchmarks.engine_figures import Figure, measured
from andante.benchmarks.measure import measure
from andante.benchmarks.pages_browser import OBSERVER, Felt, Held, felt, held, opened, show_now
from andante.benchmarks.pages_cost import PER_S, order
from andante.benchmarks.pages_server import cpu_s, processes_below, with_dashboard
from andante.benchmarks.service_questions import CONFIG, question, user

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MINUTE_S = 60.0
OPENING_S = 20.0
"""For how long the load lasts beyond what is measured: a page is opened meanwhile."""

CHANNELS, CAMPAIGNS = ("push", "email", "in_app"), 8
"""What is asked for goes over so many channels, in so many campaigns: the page has something to tell apart."""


def live_figures(browser: "Browser", minutes: float, folder: Path) -> list[Figure]:
    """Open the page under load, and return what it feels and holds at a minute and at the end."""
    first_s = min(MINUTE_S, minutes * MINUTE_S / 2)
    with (
        TemporaryDirectory(dir=folder, prefix="andante-bench-") as place,
        with_dashboard(Path(place) / "service.db", CONFIG) as server,
        ThreadPoolExecutor(1) as beside,
        opened(browser, OBSERVER) as page,
    ):
        seconds = minutes * MINUTE_S + OPENING_S
        asked = order(server.url, server.pid, seconds, per_s=PER_S, bodies=bodies())
        load = beside.submit(measure, "andante.benchmarks.pages_load:paced", asked)
        session = page.context.new_cdp_session(page)
        show_now(page, server.url)
        opening, browsers = felt(page), processes_below(os.getpid(), "chrom")
        spent_s = cpu_s(browsers)
        page.wait_for_timeout(first_s * 1e3)
        parts, early = [felt(page)], held(session)
        felt(page)  # what collecting garbage was felt as is not the page's own
        page.wait_for_timeout((minutes * MINUTE_S - first_s) * 1e3)
        parts.append(felt(page))
        core = (cpu_s(browsers) - spent_s) / (minutes * MINUTE_S)
        late = held(session)
        server_mib = server.memory_mib("VmHWM")
        run = load.result().result
    return [
        *_tasks(parts, opening, _told(run)),
        *_memory(early, late, first_s, minutes),
        measured("page", "Chromium, all of its processes", "of a core", [core]),
        measured("page", "the server's memory at its highest", "MiB", [server_mib]),
    ]


def bodies() -> list[str]:
    """Return questions over several channels and campaigns, each to be asked about a user in turn."""
    asked = question(user(0))
    return [
        json.dumps(
            {
                **asked,
                "candidates": [
                    {
                        **asked["candidates"][0],
                        "campaign_id": f"campaign-{number}",
                        "channel": CHANNELS[number % len(CHANNELS)],
                    }
                ],
            }
        ).replace("user-0000000", "user-%07d")
        for number in range(CAMPAIGNS)
    ]


def _tasks(parts: list[Felt], opening: Felt, note: str) -> list[Figure]:
    """Return what was felt: tasks longer than 50 ms, frames, polls."""
    seconds = sum(part.seconds for part in parts)
    minutes, polls = seconds / MINUTE_S, sum(part.polls for part in parts)
    frames = f"p50 {parts[-1].frame_p50_ms:g} ms, longest {max(part.frame_longest_ms for part in parts):.1f} ms"
    answers = f"longest {max(part.poll_longest_ms for part in parts):.1f} ms, {polls / seconds:.2g} a second"
    return [
        measured("page", "long tasks", "a minute", [sum(part.tasks for part in parts) / minutes], note=note),
        measured("page", "long tasks: the longest", "ms", [max(part.task_longest_ms for part in parts)]),
        measured("page", "long tasks: together", "ms a minute", [sum(part.tasks_ms for part in parts) / minutes]),
        measured("page", "between two frames: p99", "ms", [max(part.frame_p99_ms for part in parts)], note=frames),
        measured("page", "a poll's answer: p99", "ms", [max(part.poll_p99_ms for part in parts)], note=answers),
        measured("page", "transferred", "kB a second", [sum(part.bytes for part in parts) / seconds / 1e3]),
        measured(
            "page", "opening: the longest task", "ms", [opening.task_longest_ms],
            note=f"{opening.tasks} long tasks of {opening.tasks_ms:.0f} ms together, {opening.bytes / 1e3:,.0f} kB",
        ),
    ]  # fmt: skip


def _memory(early: Held, late: Held, first_s: float, minutes: float) -> list[Figure]:
    """Return what is held after garbage was collected, early and late."""
    working = (late.working_s - early.working_s) / (minutes * MINUTE_S - first_s)
    after, at_last = f"after {first_s:g} s", f"after {minutes * MINUTE_S:g} s"
    return [
        measured("page", f"JavaScript heap {after}", "MiB", [early.heap_mib], note="garbage collected before"),
        measured("page", f"JavaScript heap {at_last}", "MiB", [late.heap_mib]),
        measured("page", f"DOM nodes {after}", "nodes", [early.nodes], note=f"{early.listeners} listeners"),
        measured("page", f"DOM nodes {at_last}", "nodes", [late.nodes], note=f"{late.listeners} listeners"),
        measured("page", "its main thread at work", "of a core", [working]),
    ]


def _told(run: dict[str, Any]) -> str:
    words = ", ".join(f"{word.split(':')[1].strip(chr(34))} {count:,}" for word, count in run["seen"].items())
    share = run["statuses"].get("200", 0) / run["offered"]
    return f"{PER_S} decisions a second asked, {share:.2%} answered ({words}), p99 {run['p99_ms']:.0f} ms"
