"""The look of every chart: colours are the page's own CSS variables, so one drawing serves light, dark and paper."""

from typing import Any, Final

INK: Final = "var(--ink)"
SOFT: Final = "var(--soft)"
FAINT: Final = "var(--faint)"
LINE: Final = "var(--line)"
CARD: Final = "var(--card)"
ACCENT: Final = "var(--accent)"
WARM: Final = "var(--warm)"

FONT: Final = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'PingFang SC', 'Microsoft YaHei', "
    "'Noto Sans CJK SC', sans-serif"
)

ROW_PX: Final = 46
"""Height of one row of a chart whose labels stand above their marks, so that it reads on a phone as well."""

CONFIG: Final[dict[str, Any]] = {
    "aria": False,  # the page gives each chart one text alternative; hundreds of labels would drown it
    "background": "transparent",
    "font": FONT,
    "padding": {"left": 2, "right": 8, "top": 6, "bottom": 2},
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": LINE,
        "labelColor": SOFT,
        "labelFontSize": 12,
        "labelPadding": 6,
        "labelSeparation": 8,
        "titleColor": SOFT,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "axisBand": {"grid": False},
    "axisY": {"titleAnchor": "end", "titleAngle": 0, "titleAlign": "left", "titleX": 0, "titleY": -12},
    "text": {"fill": INK, "fontSize": 13},
    "bar": {"fill": ACCENT},
    "rule": {"stroke": SOFT, "strokeWidth": 1},
    "line": {"stroke": ACCENT, "strokeWidth": 2.5},
    "point": {"fill": ACCENT, "stroke": CARD, "strokeWidth": 1.5, "opacity": 1, "size": 110},
}
"""Vega-Lite's ``config``, shared by all charts of a page."""
