"""A shop's log: events and pushes of many users that look like a real shop's, at any size, from a seed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.optimize import brentq

from andante.simulation.attendance import Attendance, attendance
from andante.simulation.browsing import browse
from andante.simulation.catalogue import Catalogue, stock
from andante.simulation.categories import CATEGORIES, Category
from andante.simulation.columns import arrow_schema, batched, instants, labelled, numbered
from andante.simulation.faults import Faults, repeated, with_bots, with_cancellations
from andante.simulation.log_file import Format, in_order, write_log
from andante.simulation.outcomes import bands
from andante.simulation.pushes import ROW_TYPES, Pushes, push_history
from andante.simulation.trail import KINDS, Place, Trail
from andante.vocabulary.event import EVENT_COLUMNS
from andante.vocabulary.fault import SettingsFault
from andante.vocabulary.message import MESSAGE_COLUMNS

BLOCK_ROWS = 200_000
"""Users are generated in blocks of about this many events: memory is bounded, and no batch size matters."""
BLOCK_USERS_MAX = 50_000
"""Above this the arrays of users, not those of events, would fill memory."""
_WRITE_ROWS = 250_000
_IDS_PER_BLOCK = 100_000_000
_EVENTS_PER_USER_DAY = 0.35
"""What users leave per day on average without a target; it sizes the blocks and nothing else."""


@dataclass(frozen=True, slots=True)
class ShopLog:
    """The log of a shop that never was: equal values give equal rows, whatever the size of the batches.

    Users come by a heavy-tailed activity, lapse, return and join; visits follow the hours, the week and the
    user's taste; steps turn into searches, carts, favourites and baskets. Every user comes at least once.

    >>> log = ShopLog(users=50, days=14, seed=7)
    >>> batch = next(log.batches())
    >>> batch.schema.names == list(EVENT_COLUMNS), batch.num_rows > 0
    (True, True)
    """

    users: int
    days: int = 84
    seed: int = 7
    start: date = date(2026, 1, 5)  # a Monday, so that the weeks of pushes are calendar weeks
    events_target: int | None = None  # events expected, within a few per cent; None: what such users leave
    categories: tuple[Category, ...] = CATEGORIES
    languages: tuple[tuple[str, float], ...] = (("en", 0.7), ("zh", 0.3))  # and their shares of the users
    items_per_category: int = 400
    newcomers: float = 0.25  # share of users who join while the log runs
    utc_offset_h: float = 8.0  # the shop's local time minus UTC; instants in the log are UTC
    user_prefix: str = "u"
    pushes: Pushes = field(default_factory=Pushes)
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        """Refuse sizes and shares that make no log."""
        for name in ("users", "days", "items_per_category", "events_target"):
            size = getattr(self, name)
            if size is not None and size < 1:
                raise SettingsFault(name, size, "is too small", "give at least 1")
        if not self.categories:
            raise SettingsFault("categories", None, "are missing", "give at least one")
        if not self.languages or abs(sum(share for _, share in self.languages) - 1) > 1e-9:  # noqa: PLR2004  rounding
            raise SettingsFault("languages", self.languages, "have shares that do not add up to 1", "correct them")
        if not 0 <= self.newcomers <= 1:
            raise SettingsFault("newcomers", self.newcomers, "is no share", "give a number from 0 to 1")

    def batches(self, rows: int = 1_000_000, *, ordered: bool = False, memory_limit: str = "1GB") -> Iterator[Any]:
        """Yield the events as Arrow record batches of EVENT_COLUMNS, ``rows`` rows each but the last.

        Rows come by blocks of users, each in the order of time. With ``ordered`` the whole log is in
        that order, as shops write it: the same rows, sorted by DuckDB, which spills to disk beyond
        ``memory_limit``. Generating slices of time instead would have to carry half-done visits from slice to
        slice; a sort leaves the rows independent of the order asked for.
        """
        unordered = batched(self._event_tables(), rows)
        schema = arrow_schema(EVENT_COLUMNS)
        return in_order(unordered, schema, rows, memory_limit) if ordered else unordered

    def write(
        self,
        path: Path | str,
        format: Format = "parquet",  # noqa: A002  the word that writers use
        *,
        ordered: bool = False,
    ) -> None:
        """Write the events to one file as ``parquet``, ``csv`` or ``ndjson``, a batch at a time.

        Raises SettingsFault for another format, or for bad rows in one that cannot hold them.
        """
        if self.faults.bad_rows and format != "csv":
            raise SettingsFault("faults.bad_rows", self.faults.bad_rows, f"cannot be written as {format}", "use csv")
        batches = self.batches(_WRITE_ROWS, ordered=ordered)
        write_log(batches, arrow_schema(EVENT_COLUMNS), Path(path), format, bad_rows=self.faults.bad_rows)

    def message_batches(
        self, rows: int = 1_000_000, *, ordered: bool = False, memory_limit: str = "1GB"
    ) -> Iterator[Any]:
        """Yield pushes and their outcomes as Arrow record batches of MESSAGE_COLUMNS; see ``batches``."""
        unordered = batched(self._message_tables(), rows)
        schema = arrow_schema(MESSAGE_COLUMNS)
        return in_order(unordered, schema, rows, memory_limit) if ordered else unordered

    def write_messages(
        self,
        path: Path | str,
        format: Format = "parquet",  # noqa: A002  the word that writers use
        *,
        ordered: bool = False,
    ) -> None:
        """Write the pushes and their outcomes to one file; see ``write``."""
        batches = self.message_batches(_WRITE_ROWS, ordered=ordered)
        write_log(batches, arrow_schema(MESSAGE_COLUMNS), Path(path), format)

    def truth(self) -> Any:
        """Return what no log shows, as an Arrow table with one row per user, to judge what a model learned.

        Columns: ``user_id``, ``visits_per_day`` (while present), and the band of weekly pushes felt as right,
        ``right_from_per_week`` to ``right_to_per_week``.
        """
        return pa.concat_tables(self._truth_table(place) for place in self._places())

    def _truth_table(self, place: Place) -> Any:
        crowd = self._crowd(place)
        right_from, right_to = bands(place, crowd)
        columns = [self._user_ids(place)[: place.users], crowd.visits_per_day, right_from, right_to]
        return pa.table(columns, ["user_id", "visits_per_day", "right_from_per_week", "right_to_per_week"])

    def _event_tables(self) -> Iterator[Any]:
        languages = tuple(code for code, _ in self.languages)
        shares = np.array([share for _, share in self.languages])
        catalogue = stock(self.categories, languages, self.items_per_category, self.seed)
        scale = self._scale()
        for place in self._places():
            trail = browse(place, self._crowd(place), catalogue, shares, scale)
            yield self._event_table(place, self._faulty(place, trail), catalogue)

    def _faulty(self, place: Place, trail: Trail) -> Trail:
        """Add the faults that are asked for, and put the events of a block in the order of time."""
        if self.faults.bots:
            items = len(self.categories) * self.items_per_category
            trail = with_bots(place, trail, self.faults.bots, items)
        if self.faults.cancellations:
            trail = with_cancellations(place, trail, self.faults.cancellations)
        return trail.take(np.argsort(trail.at_us, kind="stable"))

    def _event_table(self, place: Place, trail: Trail, catalogue: Catalogue) -> Any:
        columns = [
            numbered("e", place.block * _IDS_PER_BLOCK + np.arange(trail.user.size), 14),
            labelled(self._user_ids(place), trail.user),
            labelled(pa.array(KINDS), trail.kind),
            instants(trail.at_us),
            labelled(catalogue.item_ids, trail.item),
            labelled(catalogue.item_categories, trail.item),
            labelled(catalogue.phrases, trail.phrase),
            pa.array(trail.value, mask=np.isnan(trail.value)),
        ]
        table = pa.Table.from_arrays(columns, schema=arrow_schema(EVENT_COLUMNS))
        if not self.faults.duplicates:
            return table
        return table.take(pa.array(repeated(place, trail.user.size, self.faults.duplicates)))

    def _message_tables(self) -> Iterator[Any]:
        names = pa.array([category.name for category in self.categories])
        for place in self._places():
            history = push_history(place, self._crowd(place), self.pushes, len(names))
            columns = [
                numbered("d", place.block * _IDS_PER_BLOCK + history.push, 14),
                labelled(self._user_ids(place), history.user),
                labelled(pa.array(ROW_TYPES), history.kind),
                instants(history.at_us),
                labelled(pa.array(["push"]), np.zeros(history.user.size, dtype=np.int64)),
                labelled(names, history.category),
                pa.array(history.rating, mask=np.isnan(history.rating)),
            ]
            yield pa.Table.from_arrays(columns, schema=arrow_schema(MESSAGE_COLUMNS))

    def _places(self) -> Iterator[Place]:
        """Return the blocks of users; they depend on the log's values alone, never on how it is read."""
        per_user = self.days * _EVENTS_PER_USER_DAY if self.events_target is None else self.events_target / self.users
        per_user = max(per_user, self.days / 7 * self.pushes.per_week_max / 2)
        each = int(np.clip(BLOCK_ROWS / per_user, 1, BLOCK_USERS_MAX))
        begin = datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)
        for block, first in enumerate(range(0, self.users, each)):
            yield Place(
                seed=self.seed,
                block=block,
                first_user=first,
                users=min(each, self.users - first),
                begin_us=int(begin.timestamp()) * 1_000_000,
                days=self.days,
                first_weekday=(self.start.weekday() - 1) % 7,
                offset_us=round(self.utc_offset_h * 3600 * 1e6),
            )

    def _crowd(self, place: Place) -> Attendance:
        return attendance(place.chance("attendance"), place.users, self.days, self.newcomers)

    def _user_ids(self, place: Place) -> Any:
        """Return the ids of the block's users, and after them the robot's, which is the log's last."""
        numbers = np.append(place.first_user + 1 + np.arange(place.users), self.users + 1)
        return numbered(self.user_prefix, numbers, max(7, len(str(self.users + 1))))

    def _scale(self) -> float:
        """Return the factor on visits that makes the expected number of events the target.

        Whom the draws never bring comes once, so the expected visits of a user are v + exp(-v), not v.
        """
        if self.events_target is None:
            return 1.0
        crowds = ((crowd.visits(self.days), crowd.events_per_visit()) for crowd in map(self._crowd, self._places()))
        visits, each = np.concatenate(list(crowds), axis=1)
        target = float(self.events_target)
        if each.sum() >= target:
            problem = f"is too small for {self.users} users who all come"
            raise SettingsFault("events_target", self.events_target, problem, f"give more than {each.sum():.0f}")
        most = target / float(visits @ each)
        return float(brentq(lambda scale: float(each @ (scale * visits + np.exp(-scale * visits))) - target, 0, most))
