"""Figures of the engine's benchmark: medians over repeats, with the lowest and the highest beside them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the results. Where there is a ratio, lowest and highest are the ratio's, else those of ours."""

    part: str
    what: str
    unit: str
    ours: float  # median
    lowest: float
    highest: float
    repeats: int
    beside: float | None = None  # median of what it is compared with
    beside_what: str | None = None
    ratio: float | None = None  # median of the ratios within each repeat: above 1 where ours is better
    target: float | None = None  # of the ratio, or of ours where there is none
    met: bool | None = None
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figure without what it does not have."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def measured(  # noqa: PLR0913  a figure is what its columns are
    part: str,
    what: str,
    unit: str,
    values: Sequence[float],
    *,
    at_most: float | None = None,
    note: str | None = None,
) -> Figure:
    """Return a figure that stands for itself.

    >>> figure = measured("opening", "a million users", "s", [3.0, 2.0, 4.0], at_most=10.0)
    >>> figure.ours, figure.lowest, figure.highest, figure.met
    (3.0, 2.0, 4.0, True)
    """
    middle = median(values)
    met = None if at_most is None else middle <= at_most
    return Figure(part, what, unit, middle, min(values), max(values), len(values), target=at_most, met=met, note=note)


def compared(  # noqa: PLR0913, PLR0917  a figure is what its columns are
    part: str,
    what: str,
    unit: str,
    ours: Sequence[float],
    beside: Sequence[float],
    beside_what: str,
    *,
    better: Better = "higher",
    at_least: float | None = None,
    note: str | None = None,
) -> Figure:
    """Return a figure beside another, of the same repeats: the ratio is taken within each of them.

    >>> figure = compared("step", "in turn", "1/s", [30.0, 20.0, 40.0], [10.0, 10.0, 10.0], "one thread", at_least=1.7)
    >>> figure.ratio, figure.lowest, figure.highest, figure.met
    (3.0, 2.0, 4.0, True)
    """
    pairs = list(zip(ours, beside, strict=True))
    ratios = [mine / other if better == "higher" else other / mine for mine, other in pairs]
    middle = median(ratios)
    return Figure(
        part,
        what,
        unit,
        median(ours),
        min(ratios),
        max(ratios),
        len(ratios),
        beside=median(beside),
        beside_what=beside_what,
        ratio=middle,
        target=at_least,
        met=None if at_least is None else middle >= at_least,
        note=note,
    )


def show(figures: Sequence[Figure], console: Console, what: str = "The engine") -> None:
    """Print figures as a table, with a line below for each note."""
    table = Table(title=f"{what}, each figure the median of its repeats")
    for heading in ("", "ours", "beside", "ratio", "lowest to highest", "target"):
        table.add_column(heading, justify="left" if not heading else "right")
    for figure in figures:
        beside = "" if figure.beside is None else f"{_figure(figure.beside)} {figure.beside_what}"
        table.add_row(
            f"{figure.part}: {figure.what}",
            f"{_figure(figure.ours)} {figure.unit}",
            beside,
            "" if figure.ratio is None else f"{figure.ratio:.3g}",
            f"{_figure(figure.lowest)} to {_figure(figure.highest)}",
            _target(figure),
        )
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(f"{figure.part}: {figure.what}: {figure.note}", highlight=False)


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    bound = "at least" if figure.ratio is not None else "at most"
    return f"{bound} {figure.target:.3g}: {'met' if figure.met else 'missed'}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
