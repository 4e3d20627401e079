"""The pages measured: what the dashboard costs the engine, how the page feels while it does, how soon a demo moves.

Everything is real: ``andante serve`` in a process of its own on a file, Chromium, and load from a third process. On a
machine of few cores they take them from each other, so the server's own processor time stands beside every rate.
"""

from pathlib import Path
from tempfile import gettempdir
from typing import Any

from rich.console import Console

from andante.benchmarks.engine import _run
from andante.benchmarks.engine_figures import show
from andante.benchmarks.pages_browser import chromium
from andante.benchmarks.pages_cost import cost_figures
from andante.benchmarks.pages_demo import WATCHED_S, demo_figures
from andante.benchmarks.pages_live import MINUTE_S, live_figures

SECONDS, REPEATS, MINUTES = 8.0, 5, 10.0
DEMO_REPEATS_MAX = 3


def pages(
    minutes: float = MINUTES, seconds: float = SECONDS, repeats: int = REPEATS, *, folder: Path | None = None
) -> list[dict[str, Any]]:
    """Measure everything, print a table, and return the figures as JSON takes them.

    ``minutes`` is how long the page is watched under load, ``seconds`` how long each load lasts that is compared with
    others. Databases are written into ``folder``, which should be on a real disk (the folder for temporary files,
    unless given). Raises Fault where there is no Chromium.
    """
    console, place = Console(), folder or Path(gettempdir())
    with chromium() as browser:
        console.print(f"Browser: Chromium {browser.version}, without a window", highlight=False)
        parts = [
            ("the dashboard's cost", lambda: cost_figures(browser, seconds, repeats, place)),
            ("the page under load", lambda: live_figures(browser, minutes, place)),
            (
                "the demonstration",
                lambda: demo_figures(
                    browser, min(repeats, DEMO_REPEATS_MAX), min(WATCHED_S, minutes * MINUTE_S), place
                ),
            ),
        ]
        figures = [
            figure for number, part in enumerate(parts, 1) for figure in _run(part, f"{number}/{len(parts)}", console)
        ]
        show(figures, console, "The pages")
        return [figure.to_dict() for figure in figures]
