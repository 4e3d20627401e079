"""The panel: features at many cut-offs with what each user did next, the table that every frequency model learns from.

Cut-offs lie one horizon apart and end one horizon before the log does, so labels never overlap, and a row's
features and label never share a day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Self

import ibis
import numpy as np
from numpy.typing import NDArray

from andante.profiles.features import features
from andante.profiles.ledger import DAYS, PUSHES
from andante.vocabulary.fault import NotEnoughData

CUTOFFS_LEAST = 3
"""Two cut-offs to learn from and one to be judged on."""

SEASON_SEEN_DAYS = 400
HELD_OUT_SHARE = 0.2
HELD_OUT_MOST = 4

SAMPLE_PARTS = 10_000

Floats = NDArray[np.float64]

_ = ibis._


@dataclass(frozen=True, slots=True)
class Frame:
    """Features at one cut-off: ``users`` (n,), sorted; ``X`` (n, len(names)), float64 with NaN for unknown."""

    cutoff: date
    users: NDArray[np.object_]
    names: tuple[str, ...]
    X: Floats


@dataclass(frozen=True, slots=True)
class Panel:
    """Frames of several cut-offs stacked: one row per user and cut-off, with ``y`` (n,) what came next."""

    target: str  # "activity": active days within the horizon; "response": 1 if the push was responded to
    label_days: int  # after so many days from its cut-off, a row's label is surely known
    names: tuple[str, ...]
    cutoffs: NDArray[np.datetime64]  # (n,), the cut-off of each row, rising
    users: NDArray[np.object_]
    X: Floats
    y: Floats

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.y)

    def known_by(self, cutoff: np.datetime64) -> NDArray[np.bool_]:
        """Tell of each row whether its label was known at a cut-off: only these could have been learned from then."""
        return np.asarray(self.cutoffs + np.timedelta64(self.label_days, "D") <= cutoff)

    def rows(self, keep: NDArray[np.bool_]) -> Self:
        """Return the rows where ``keep`` is true."""
        return replace(self, cutoffs=self.cutoffs[keep], users=self.users[keep], X=self.X[keep], y=self.y[keep])


@dataclass(frozen=True, slots=True)
class Calendar:
    """The cut-offs of a log: they rise, and the last one lies a horizon before ``end``.

    ``end`` is the midnight before the last event, since a log's last day is often cut short; ``today``, the one after
    it, is the cut-off of the profiles that the plan is made from. ``events`` counts all that the ledger holds.
    """

    events: int
    first_at: datetime
    last_at: datetime
    start: date
    end: date
    today: date
    horizon_days: int
    cutoffs: tuple[date, ...]

    @property
    def is_seasonal(self) -> bool:
        """Tell whether some of the year was seen twice: before that, a season is only another name for a date."""
        return (self.end - self.start).days >= SEASON_SEEN_DAYS

    @property
    def held_out(self) -> tuple[date, ...]:
        """Return the last cut-offs, which no model may learn from before it has been judged on them."""
        return self.cutoffs[-held_out_of(len(self.cutoffs)) :]


def held_out_of(cutoffs: int) -> int:
    """Count how many of so many cut-offs are held out: a fifth, at least one and at most four.

    >>> [held_out_of(cutoffs) for cutoffs in (3, 12, 26)]
    [1, 2, 4]
    """
    return min(HELD_OUT_MOST, max(1, round(HELD_OUT_SHARE * cutoffs)))


def calendar(connection: ibis.BaseBackend, horizon_days: int = 7, cutoffs_most: int = 26) -> Calendar:
    """Lay the cut-offs over the log: the latest ``cutoffs_most`` with a horizon of history before them.

    A log too short for three of them gets a shorter horizon, down to a day; :class:`NotEnoughData` below that.
    """
    span = (
        connection.table(DAYS.table)
        .aggregate(start=_.day.min(), end=_.day.max(), last_at=_.last_at.max(), events=_.events.sum())
        .to_pyarrow()
        .to_pylist()[0]
    )
    start, end = span["start"], span["end"]
    horizon = min(horizon_days, (end - start).days // (CUTOFFS_LEAST + 1))
    if horizon < 1:
        raise NotEnoughData(
            "the log's span",
            f"{start} to {end}",
            f"is shorter than the {CUTOFFS_LEAST + 1} days that learning and judging need",
            "give a longer log, or plan by hand until there is one",
        )
    possible = (end - start).days // horizon - 1
    many = min(possible, cutoffs_most)
    cutoffs = tuple(end - timedelta(days=horizon * k) for k in range(many, 0, -1))
    today = end + timedelta(days=1)
    return Calendar(
        events=int(span["events"]),
        first_at=datetime.combine(start, time()),
        last_at=span["last_at"],
        start=start,
        end=end,
        today=today,
        horizon_days=horizon,
        cutoffs=cutoffs,
    )


def frame(
    connection: ibis.BaseBackend, cutoff: date, *, sample: tuple[int, int] | None = None, seasonal: bool = True
) -> Frame:
    """Read the features of all (or sampled) users at a cut-off into memory."""
    table = features(connection, cutoff, sample=sample, seasonal=seasonal).order_by("user_id").to_pyarrow()
    names = tuple(name for name in table.column_names if name != "user_id")
    X = np.column_stack([table.column(name).to_numpy() for name in names])
    users = table.column("user_id").to_numpy(zero_copy_only=False)
    return Frame(cutoff=cutoff, users=users, names=names, X=X)


def panels(
    connection: ibis.BaseBackend,
    days: Calendar,
    *,
    rows_most: int = 200_000,
    response_days: int = 7,
) -> dict[str, Panel]:
    """Build the panel of each target that the ledgers can answer: ``activity``, and ``response`` if there are pushes.

    The cut-offs to learn from give at most ``rows_most`` rows, and so do the held-out ones: of more, a sample
    of users is taken by hash, the same at every cut-off.
    """
    held = days.held_out
    parts = {
        True: _sample(connection, len(held), rows_most),
        False: _sample(connection, len(days.cutoffs) - len(held), rows_most),
    }
    frames = [
        frame(connection, cutoff, sample=parts[cutoff in held], seasonal=days.is_seasonal) for cutoff in days.cutoffs
    ]
    built = {"activity": _stack("activity", [_active(connection, f, days.horizon_days) for f in frames])}
    if PUSHES.table in connection.list_tables():
        answered = [_answered(connection, f, days, response_days) for f in frames]
        built["response"] = _stack("response", answered)
    return {target: panel for target, panel in built.items() if len(panel)}


def _sample(connection: ibis.BaseBackend, cutoffs: int, rows_most: int) -> tuple[int, int] | None:
    """Choose the share of users whose rows at all cut-offs stay below ``rows_most``."""
    users = int(connection.table(DAYS.table).user_id.nunique().to_pyarrow().as_py())
    keep = SAMPLE_PARTS * rows_most // max(users * cutoffs, 1)
    return None if keep >= SAMPLE_PARTS else (max(keep, 1), SAMPLE_PARTS)


def _active(connection: ibis.BaseBackend, past: Frame, horizon_days: int) -> Panel:
    """Label each row of a frame with the user's active days within the horizon."""
    last = past.cutoff + timedelta(days=horizon_days)
    later = connection.table(DAYS.table).filter((_.day >= past.cutoff) & (_.day < last))
    counts = later.group_by("user_id").aggregate(days=_.count()).to_pyarrow()
    label = dict(zip(counts["user_id"].to_pylist(), counts["days"].to_pylist(), strict=True))
    y = np.fromiter((label.get(user, 0) for user in past.users), np.float64, len(past.users))
    return _panel("activity", horizon_days, past, np.arange(len(y)), y)


def _answered(connection: ibis.BaseBackend, past: Frame, days: Calendar, response_days: int) -> Panel:
    """Make a row of every push sent in the horizon after the cut-off, if its time to be answered is over."""
    first, last = (
        past.cutoff,
        min(past.cutoff + timedelta(days=days.horizon_days), _minus(days.end, response_days)),
    )
    sent = connection.table(PUSHES.table).filter(
        (_.sent_at >= _instant(first)) & (_.sent_at < _instant(max(first, last)))
    )
    limit = sent.sent_at + ibis.interval(days=response_days)
    answered = (sent.responded_at.notnull() & (sent.responded_at <= limit)).cast("int64")
    pushes = sent.select("user_id", "decision_id", answered=answered).order_by("user_id", "decision_id").to_pyarrow()
    place = {user: row for row, user in enumerate(past.users)}
    known = [
        (place[u], a)
        for u, a in zip(pushes["user_id"].to_pylist(), pushes["answered"].to_pylist(), strict=True)
        if u in place
    ]
    at = np.array([row for row, _answer in known], dtype=np.intp)
    y = np.array([answer for _row, answer in known], dtype=np.float64)
    return _panel("response", days.horizon_days + response_days, past, at, y)


def _panel(target: str, label_days: int, past: Frame, rows: NDArray[np.intp], y: Floats) -> Panel:
    """Make a panel of rows of one frame."""
    return Panel(
        target=target,
        label_days=label_days,
        names=past.names,
        cutoffs=np.full(len(y), np.datetime64(past.cutoff, "D")),
        users=past.users[rows],
        X=past.X[rows],
        y=y,
    )


def _stack(target: str, parts: Sequence[Panel]) -> Panel:
    """Stack the panels of several cut-offs."""
    return Panel(
        target=target,
        label_days=parts[0].label_days,
        names=parts[0].names,
        cutoffs=np.concatenate([p.cutoffs for p in parts]),
        users=np.concatenate([p.users for p in parts]),
        X=np.concatenate([p.X for p in parts]),
        y=np.concatenate([p.y for p in parts]),
    )


def _minus(day: date, days: int) -> date:
    """Go back some days."""
    return day - timedelta(days=days)


def _instant(day: date) -> ibis.expr.types.TimestampScalar:
    """Return the midnight that opens a day."""
    return ibis.timestamp(day.isoformat() + "T00:00:00")
