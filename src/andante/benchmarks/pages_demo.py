"""The demonstration: how long it takes from a command to a dashboard that moves, and how much memory."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from andante.benchmarks.engine_figures import Figure, measured
from andante.benchmarks.pages_browser import opened, until
from andante.benchmarks.pages_server import NOW, commanded, processes_below
from andante.benchmarks.service_server import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MOVING_S_MAX = 60.0
CHANGES = 3
WATCHED_S = 60.0
"""For how long a demonstration is watched, for its memory."""

COUNTER = """document.addEventListener("DOMContentLoaded", () => {
  const list = document.querySelector("[data-html=latest]");
  if (!list) return;
  window.andanteChanges = 0;
  let was = list.textContent;
  new MutationObserver(() => {
    if (list.textContent !== was) window.andanteChanges += 1;
    was = list.textContent;
  }).observe(list, { childList: true, subtree: true, characterData: true });
});"""
"""Counts how often the list of the latest decisions has become another one."""

DECIDED = "document.querySelectorAll('[data-html=latest] li').length > 0"
MOVED = f"(window.andanteChanges || 0) >= {CHANGES}"


def demo_figures(browser: "Browser", repeats: int, watched_s: float, folder: Path) -> list[Figure]:
    """Begin new demonstrations, after one that nobody measures: it leaves compiled code in the cache."""
    _begun(browser, 0.0, folder)
    runs = [_begun(browser, watched_s, folder) for _ in range(repeats)]
    listens, first, moving, server, shoppers = zip(*runs, strict=True)
    note = "from the command on; a new file, compiled code in its cache, the browser running already"
    return [
        measured("demo", "until it listens", "s", listens),
        measured("demo", "until the page shows a decision", "s", first, at_most=MOVING_S_MAX),
        measured("demo", "until the list has changed three times", "s", moving, at_most=MOVING_S_MAX, note=note),
        measured("demo", f"the server's memory at its highest in {watched_s:g} s", "MiB", server),
        measured("demo", f"the shoppers' memory at its highest in {watched_s:g} s", "MiB", shoppers),
    ]


def _begun(browser: "Browser", watched_s: float, folder: Path) -> tuple[float, float, float, float, float]:
    """Begin one; return the seconds until it listens, shows and moves, and the highest memory of both processes."""
    with TemporaryDirectory(dir=folder, prefix="andante-bench-") as place, opened(browser, COUNTER) as page:
        began_s = time.perf_counter()
        with commanded(Path(place) / "demo.db", "--demo") as server:
            listens_s = time.perf_counter() - began_s
            page.goto(server.url + NOW, wait_until="commit")
            first_s = until(page, DECIDED) - began_s
            moving_s = until(page, MOVED) - began_s
            page.wait_for_timeout(max(0.0, watched_s - moving_s) * 1e3)
            shoppers_mib = sum(
                Server(server.url, one.pid).memory_mib("VmHWM") for one in processes_below(server.pid, "python")
            )
            return listens_s, first_s, moving_s, server.memory_mib("VmHWM"), shoppers_mib
