"""What the charts share: how rows become a chart, how rows are labelled, and how a chart is written out.

Where rows have long names, the name stands above its mark, so that a phone reads it as well.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import altair as alt

from andante.report.summary import Interval
from andante.report.theme import ACCENT, CARD, FAINT, ROW_PX, SOFT, WARM

Spec = dict[str, Any]
Row = Mapping[str, Any]
Drawn: TypeAlias = alt.Chart | alt.LayerChart

MARK_OFFSET_PX = 9
LABEL_OFFSET_PX = -11


def chart(rows: Sequence[Row]) -> alt.Chart:
    """Start a chart on rows of plain values."""
    return alt.Chart(alt.Data(values=list(rows)))


def spec(drawn: Drawn, height_px: int) -> Spec:
    """Write a chart out, as wide as its container; the theme is the page's, and nothing has an automatic name."""
    written: Spec = drawn.properties(width="container", height=height_px).to_dict()
    del written["config"], written["$schema"]
    return {**written, "autosize": {"type": "fit-x", "contains": "padding"}}


def row_axis() -> alt.Y:
    """Lay rows out from top to bottom by their number, so that equal names stay two rows."""
    return alt.Y("row:O", axis=None, sort="ascending")


def height_px(rows: Sequence[Row]) -> int:
    """Return the height of a chart whose marks stand in rows."""
    return ROW_PX * len({row["row"] for row in rows})


def names(rows: Sequence[Row]) -> alt.Chart:
    """Stand each row's name above its marks, cut off before it meets the value at the right."""
    first = list({row["row"]: row for row in reversed(rows)}.values())
    text = chart(first).mark_text(align="left", dy=LABEL_OFFSET_PX, limit=alt.expr("width - 60"))
    return text.encode(y=row_axis(), x=alt.value(0), text="name:N")


def values(base: alt.Chart) -> alt.Chart:
    """Stand each row's value at the right, in line with its name."""
    text = base.mark_text(align="right", dy=LABEL_OFFSET_PX, fill=SOFT)
    return text.encode(y=row_axis(), x=alt.value("width"), text="label:N")


def ends(found: Interval) -> dict[str, float]:
    """Return the ends of an interval, or twice its value if it has none."""
    low = found.value if found.low is None else found.low
    return {"low": low, "high": found.value if found.high is None else found.high}


def tip(*parts: str) -> str:
    """Return what a mark says when it is pointed at."""
    return ": ".join(parts)


def whiskers(rows: Sequence[Row], title: str | None, domain: tuple[float, float]) -> Spec:
    """Draw a dot and its range a row; what is chosen in the accent colour, the rest in grey."""
    base = chart(rows).encode(y=row_axis())
    colour = alt.when(alt.datum.chosen).then(alt.value(ACCENT)).otherwise(alt.value(FAINT))
    scale = alt.Scale(domain=list(domain), nice=True, zero=False)
    x = alt.X("value:Q", title=title, scale=scale, axis=alt.Axis(tickCount=5, format="~g"))
    spread = base.mark_rule(yOffset=MARK_OFFSET_PX, strokeWidth=3, strokeCap="round", opacity=0.6)
    dots = base.mark_point(shape="circle", yOffset=MARK_OFFSET_PX, size=130, stroke=CARD)
    drawn = alt.layer(
        spread.encode(x="low:Q", x2="high:Q", stroke=colour),
        dots.encode(x=x, fill=colour, tooltip=alt.Tooltip("tip:N")),
        names(rows),
        values(base),
    )
    return spec(drawn, height_px(rows))


def marked(value: float, label: str, *, at_right: bool) -> alt.LayerChart:
    """Mark one value on the x axis with a line and a label above it, which ends there if the value is at the right."""
    base = chart([{"at": value, "label": label}]).encode(x="at:Q")
    text = base.mark_text(align="right" if at_right else "left", baseline="bottom", dy=-5, fill=WARM, fontWeight=600)
    return base.mark_rule(stroke=WARM, strokeWidth=2) + text.encode(y=alt.value(0), text="label:N")
