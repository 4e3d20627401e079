"""Requests as a table: a campaign for a million users in one call, checked a column at a time.

A row is a candidate. Rows side by side with the same ``request`` are the candidates of one request; without that column
every row is a request of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat, starmap
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np
from msgspec import Struct

from andante.live.admission_requests import campaign_code, content_code
from andante.live.admission_shapes import MONEY_MAX, RELEVANCE_MAX
from andante.live.columns_reading import Table
from andante.live.instants import MICROSECONDS
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import CANDIDATE, CANDIDATES_MAX, RECORD, Kind
from andante.vocabulary.records import Candidate
from andante.vocabulary.state import NEVER_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from andante.live.instants import Int64s, UInt8s
    from andante.live.names import Names

REQUIRED = ("user_id", "candidate_id", "category", "channel")
COLUMNS = (*REQUIRED, "campaign_id", "item_id", "value", "relevance", "expires_at", "at", "request")


class WrittenCandidate(Struct, omit_defaults=True, gc=False):
    """A candidate as it goes into the log: the fields of ``records.Candidate``, made by place."""

    candidate_id: str
    category: str
    channel: str
    campaign_id: str | None = None
    item_id: str | None = None
    value: float = 1.0
    relevance: float = 1.0
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AdmittedColumns:
    """A table of requests as columns: n requests, m candidates. It holds nothing that a caller could still change."""

    user_ids: Sequence[str]  # [n]
    at_us: Int64s  # [n]
    records: NDArray[np.void]  # [n] of RECORD; number and user are left to whoever logs them
    candidates: NDArray[np.void]  # [m] of CANDIDATE
    texts: tuple[list[Any], ...]  # [m] each: candidate_id, category, channel, campaign_id, item_id
    expires_us: Int64s  # [m]; NEVER_S where it does not expire

    @property
    def keys(self) -> Sequence[str | None]:
        """Idempotency keys: a table has none."""
        return ()

    @property
    def at_s(self) -> Int64s:
        """The times in whole seconds, rounded down."""
        return self.records["at_s"]

    @property
    def first(self) -> Int64s:
        """Where the candidates of a request begin."""
        return self.records["first"]

    @property
    def count(self) -> UInt8s:
        """How many candidates a request has."""
        return self.records["count"]

    @property
    def written(self) -> list[tuple[WrittenCandidate, ...]]:
        """The candidates of each request, as they go into the log."""
        rows = zip(
            *self.texts,
            _usual_left_out(self.candidates["value"]),
            _usual_left_out(self.candidates["relevance"]),
            _times(self.expires_us),
            strict=False,
        )
        every: Iterable[WrittenCandidate] = starmap(WrittenCandidate, rows)
        if len(self.candidates) == len(self.records):
            return list(zip(every))
        listed = list(every)
        ends = np.cumsum(self.count, dtype=np.int64).tolist()
        return [tuple(listed[first:end]) for first, end in zip([0, *ends], ends, strict=False)]

    def offered(self, place: int) -> tuple[Candidate, ...]:
        """Return the candidates of a request."""
        first, count = int(self.records["first"][place]), int(self.records["count"][place])
        return tuple(map(self._candidate, range(first, first + count)))

    def kept(self, place: int) -> Self:  # noqa: ARG002  the whole table is kept, in fewer bytes than objects take
        """Return what can make the candidates of a request."""
        return self

    def _candidate(self, row: int) -> Candidate:
        candidate_id, category, channel, campaign_id, item_id = (texts[row] for texts in self.texts)
        return Candidate(
            candidate_id=candidate_id,
            category=category,
            channel=channel,
            campaign_id=campaign_id,
            item_id=item_id,
            value=float(self.candidates["value"][row]),
            relevance=float(self.candidates["relevance"][row]),
            expires_at=_time(int(self.expires_us[row])),
        )


def admit_columns(given: Any, names: Names, *, now_us: int) -> AdmittedColumns:
    """Return a table of requests as columns. One row that cannot be taken refuses the whole table.

    Raises InputFault, naming column and row (``columns.relevance[17]``), the value, the problem and the fix.
    """
    table = Table(given, COLUMNS, REQUIRED)
    user_ids, ids, categories, channels = (table.texts(name) for name in REQUIRED)
    campaigns, items = table.texts("campaign_id", optional=True), table.texts("item_id", optional=True)
    at_us, expires_us = table.times("at", now_us), table.times("expires_at", NEVER_S)
    candidates = np.zeros(table.rows, CANDIDATE)
    candidates["value"] = table.numbers("value", 1.0, MONEY_MAX)
    candidates["relevance"] = table.numbers("relevance", 1.0, RELEVANCE_MAX)
    candidates["expires_s"] = np.where(expires_us == NEVER_S, NEVER_S, expires_us // MICROSECONDS)
    candidates["campaign"] = campaigns.each(campaign_code)
    if items.same and campaigns.same and table.rows:
        candidates["content"] = content_code(campaigns.values[0], items.values[0])
    else:
        candidates["content"] = list(map(content_code, campaigns.values, items.values))
    candidates["category"], candidates["channel"] = categories.each(names.category), channels.each(names.channel)
    begins = table.groups("request")
    records = np.zeros(len(begins), RECORD)
    records["kind"], records["first"] = int(Kind.REQUEST), begins
    if len(begins) == table.rows:
        records["count"] = 1
        asked: Sequence[str] = user_ids.values
    else:
        _group(records, begins, user_ids.values, ids.values, at_us)
        asked, at_us = [user_ids.values[begin] for begin in begins], at_us[begins]
    records["at_s"], records["ceil"] = at_us // MICROSECONDS, at_us % MICROSECONDS > 0
    texts = (ids.values, categories.values, channels.values, campaigns.values, items.values)
    return AdmittedColumns(asked, at_us, records, candidates, texts, expires_us)


def _group(records: NDArray[np.void], begins: Int64s, user_ids: list[str], ids: list[str], at_us: Int64s) -> None:
    """Write how many candidates each request has; refuse a request of two users or times, or with one id twice."""
    ends = np.append(begins[1:], len(user_ids))
    counts = ends - begins
    if counts.max(initial=0) > CANDIDATES_MAX:
        row = int(begins[np.argmax(counts)])
        problem = f"begins a request of {counts.max()} candidates"
        _refuse("request", row, None, problem, f"give 1 to {CANDIDATES_MAX} candidates a request")
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        for row in range(begin + 1, end):
            if user_ids[row] != user_ids[begin]:
                _refuse("user_id", row, user_ids[row], "differs within its request", "give each user a request")
            if at_us[row] != at_us[begin]:
                _refuse("at", row, None, "differs within its request", "give a request one time")
            if ids[row] in ids[begin:row]:
                problem, action = "is the id of another candidate of this request", "give each candidate its own id"
                _refuse("candidate_id", row, ids[row], problem, action)
    records["count"] = counts


def _refuse(name: str, row: int, value: str | None, problem: str, action: str) -> NoReturn:
    raise InputFault(f"columns.{name}[{row}]", value, problem, action)


def _usual_left_out(numbers: NDArray[np.float64]) -> Iterable[float]:
    """Return numbers with the very 1.0 that is left out of the log, where they are 1."""
    usual: float = WrittenCandidate.__struct_defaults__[2]
    if (numbers == usual).all():
        return repeat(usual)
    return [usual if number == usual else number for number in numbers.tolist()]


def _times(at_us: Int64s) -> Iterable[datetime | None]:
    """Return times, None where it is never; most tables have whole seconds, or none at all."""
    if at_us.min(initial=NEVER_S) == NEVER_S:
        return repeat(None)
    if at_us.max() < NEVER_S and not (at_us % MICROSECONDS).any():
        return map(datetime.fromtimestamp, (at_us // MICROSECONDS).tolist(), repeat(UTC))
    return map(_time, at_us.tolist())


def _time(at_us: int) -> datetime | None:
    if at_us == NEVER_S:
        return None
    return datetime.fromtimestamp(at_us // MICROSECONDS, UTC).replace(microsecond=at_us % MICROSECONDS)
