"""A real browser without a window, the page "Now" in it, and what the page feels: tasks, frames, polls, memory."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from andante.benchmarks.pages_server import NOW
from andante.vocabulary.fault import Fault

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_S = 120.0

POLLS = "Number(document.documentElement.dataset.polls || 0)"
"""How often the page has drawn what it polled."""

PER_MS = 10
"""How many buckets there are for a millisecond."""

OBSERVER = """(() => {
  const perMs = 10, buckets = 1000 * perMs;
  const counts = () => ({ buckets: new Array(buckets + 1).fill(0), longest: 0 });
  const fresh = () => ({
    since: performance.now(), tasks: 0, tasks_ms: 0, task_longest_ms: 0, frames: counts(), polls: counts(), bytes: 0,
  });
  const count = (into, ms) => {
    into.buckets[Math.min(buckets, Math.max(0, Math.round(ms * perMs)))] += 1;
    into.longest = Math.max(into.longest, ms);
  };
  let kept = fresh(), last = null;
  const observe = (type, heard) =>
    new PerformanceObserver((list) => list.getEntries().forEach(heard)).observe({ type, buffered: true });
  observe("longtask", (task) => {
    kept.tasks += 1;
    kept.tasks_ms += task.duration;
    kept.task_longest_ms = Math.max(kept.task_longest_ms, task.duration);
  });
  observe("resource", (one) => {
    kept.bytes += one.transferSize;
    if (one.initiatorType === "fetch") count(kept.polls, one.duration);
  });
  const frame = (now) => {
    if (last !== null) count(kept.frames, now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  window.andanteTake = () => {
    const taken = kept;
    taken.seconds = (performance.now() - taken.since) / 1000;
    kept = fresh();
    return taken;
  };
})();"""
"""Counts in memory that does not grow, so that the heap that is measured is the page's own.

Frames and polls that took more than a second are counted as a second; the longest is kept beside.
"""


@dataclass(frozen=True, slots=True)
class Felt:
    """What a page felt for a while."""

    seconds: float
    tasks: int  # above 50 ms, during which a page does not answer
    tasks_ms: float
    task_longest_ms: float
    frame_p50_ms: float
    frame_p99_ms: float
    frame_longest_ms: float
    polls: int
    poll_p99_ms: float
    poll_longest_ms: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a page holds after its garbage was collected, and how long its main thread has worked so far."""

    heap_mib: float
    nodes: int
    listeners: int
    working_s: float


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Start the browser that is on this machine. Raises Fault where there is none, or nothing to drive it with."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        raise Fault("playwright", None, "is not installed", "pip install 'andante[bench]'") from None
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise Fault("Chromium", ", ".join(NAMES), "is not on this machine", "install it: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: "Browser", script: str = "") -> Iterator["Page"]:
    """Open an empty page, as a desktop has it, until the end of the block; a script runs in whatever it goes to."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1e3)
        if script:
            page.add_init_script(script)
        yield page
    finally:
        context.close()


def show_now(page: "Page", url: str) -> None:
    """Go to the page "Now", and wait until it moves."""
    page.goto(url + NOW)
    until(page, f"{POLLS} >= 2")


def until(page: "Page", holds: str, every_ms: float = 50.0) -> float:
    """Wait until an expression holds in a page; return the clock's seconds. Raises Fault where it never does."""
    ends_s = time.perf_counter() + PATIENCE_S
    while not page.evaluate(holds):
        if time.perf_counter() > ends_s:
            raise Fault("the page", page.url, f"did not come to {holds} in {PATIENCE_S:g} s", "open it and see why")
        page.wait_for_timeout(every_ms)
    return time.perf_counter()


def felt(page: "Page") -> Felt:
    """Return what a page with the observer felt since it was last asked."""
    taken = page.evaluate("andanteTake()")
    frames, polls = taken["frames"], taken["polls"]
    return Felt(
        seconds=taken["seconds"],
        tasks=taken["tasks"],
        tasks_ms=taken["tasks_ms"],
        task_longest_ms=taken["task_longest_ms"],
        frame_p50_ms=quantile(frames["buckets"], 0.5),
        frame_p99_ms=quantile(frames["buckets"], 0.99),
        frame_longest_ms=frames["longest"],
        polls=sum(polls["buckets"]),
        poll_p99_ms=quantile(polls["buckets"], 0.99),
        poll_longest_ms=polls["longest"],
        bytes=taken["bytes"],
    )


def held(session: "CDPSession") -> Held:
    """Collect garbage in a page, and return what is left."""
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    told: Any = session.send("Performance.getMetrics")
    values = {one["name"]: one["value"] for one in told["metrics"]}
    return Held(
        values["JSHeapUsedSize"] / 2**20, int(values["Nodes"]), int(values["JSEventListeners"]), values["TaskDuration"]
    )


def quantile(buckets: Sequence[int], share: float) -> float:
    """Return below how many milliseconds a share of what was counted lies, by tenths.

    >>> quantile([0, 98, 1, 1], 0.5), quantile([0, 98, 1, 1], 0.99)
    (0.1, 0.2)
    """
    total, so_far = sum(buckets), 0
    for bucket, many in enumerate(buckets):
        so_far += many
        if total and so_far >= share * total:
            return bucket / PER_MS
    return float("nan")
