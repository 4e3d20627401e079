"""Charts: a Vega-Lite specification, a sentence that says what it shows, and its figures as a table.

A page draws them in the browser; the data of a live one is replaced by what its page polls (``assets/live.js``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt

from andante.report.drawing import chart, height_px, marked, names, row_axis, spec, tip, values, whiskers
from andante.report.theme import ACCENT, CARD, CONFIG, FAINT, INK, LINE, SOFT, WARM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "ACCENT",
    "CARD",
    "CONFIG",
    "FAINT",
    "INK",
    "LINE",
    "SOFT",
    "WARM",
    "Chart",
    "Table",
    "chart",
    "height_px",
    "live",
    "marked",
    "names",
    "row_axis",
    "spec",
    "tip",
    "values",
    "whiskers",
]


@dataclass(frozen=True, slots=True)
class Table:
    """Figures, written for people."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a page shows as a picture, as a sentence and as figures. ``name`` is unique on its page."""

    name: str
    spec: Mapping[str, Any]
    says: str  # one sentence: what it shows right now
    table: Table


def live(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """Start a chart on rows that a page replaces as they change (the data named ``live``)."""
    return alt.Chart(alt.InlineData(values=list(rows), name="live"))
