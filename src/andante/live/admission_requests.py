"""Requests as columns: who asks what may be sent to whom, and when."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from functools import lru_cache
from itertools import accumulate, chain
from struct import Struct as Layout
from typing import Any, NoReturn

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from andante.live import admission_shapes as shapes
from andante.live.admission_reading import DEPTH_MAX, ENCODER, listed, plain
from andante.live.admission_refusals import REFUSED, Refusal, explained, late, shown
from andante.live.hashing import content_hash, content_of
from andante.live.instants import (
    INT64,
    MICROSECONDS,
    Int64s,
    OutOfRange,
    UInt8s,
    is_taken,
    is_written_exactly,
    micros_or,
    seconds_or_never,
)
from andante.live.names import Names
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import CANDIDATE, RECORD, Kind
from andante.vocabulary.records import Candidate, Request

FEW = 8
"""Up to so many candidates, asking for the code of each name costs less than looking for those that differ."""

CACHED_MAX = 1 << 16
"""How many contents are remembered by their hash: those of the campaigns of the hour."""

content_code = lru_cache(CACHED_MAX)(content_of)
campaign_code = lru_cache(CACHED_MAX)(lambda campaign: 0 if campaign is None else content_hash(campaign))

# Packing the fields of a row as bytes is the cheapest way to an array of a few rows, and cheap for many.
_packed_candidate = Layout("<ddqIIBBHxxxx").pack
_packed_record = Layout("<16xqBxBB4xq80x").pack  # at_s, kind, ceil, count, first; the others are 0

_REQUEST = int(Kind.REQUEST)

_Converted = tuple[Sequence[Request], list[str], list[str | None], Sequence[Sequence[Candidate]], list[msgspec.Raw]]


class AdmittedRequests(msgspec.Struct, frozen=True, gc=False):
    """Requests as columns, in the order given. Shape [n]; candidates are flat, [m]."""

    requests: Sequence[Request]
    user_ids: list[str]
    keys: list[str | None]  # idempotency keys
    at_us: Int64s
    records: npt.NDArray[np.void]  # RECORD; number and user are left to whoever logs them
    candidates: npt.NDArray[np.void]  # CANDIDATE
    written: list[msgspec.Raw]  # the candidates of each as JSON, as they go into the log

    def offered(self, place: int) -> tuple[Candidate, ...]:
        """Return the candidates of a request."""
        return self.requests[place].candidates

    def kept(self, place: int) -> bytes:
        """Return the candidates of a request as JSON: no other request need be kept with it."""
        return bytes(self.written[place])

    @property
    def at_s(self) -> Int64s:
        """The times in whole seconds, rounded down."""
        return self.records["at_s"]

    @property
    def ceil(self) -> UInt8s:
        """1 where rounding down took a fraction of a second."""
        return self.records["ceil"]

    @property
    def first(self) -> Int64s:
        """Where the candidates of a request begin."""
        return self.records["first"]

    @property
    def count(self) -> UInt8s:
        """How many candidates a request has."""
        return self.records["count"]


def admit_requests(items: Sequence[object], names: Names, *, now_us: int) -> AdmittedRequests:
    """Return requests as columns. One that cannot be taken refuses the whole call.

    Raises InputFault, naming the place (``requests[17].candidates[2].relevance``), the value, the problem and the fix.
    """
    requests, user_ids, keys, offered, written = _read(listed(items, "requests"))
    count = list(map(len, offered))
    flat = list(chain.from_iterable(offered))
    if len(flat) > len(offered):
        _refuse_twins(offered)
    times = [request.at for request in requests]
    try:
        at_us = micros_or(times, now_us)
    except OutOfRange as error:
        _refuse(late(times[error.index], error.index, "at"))
    try:
        candidates = candidate_array(flat, names)
    except _Refused as error:
        _refuse(error.refusal, count)
    rows = [
        _packed_record(at // MICROSECONDS, _REQUEST, at % MICROSECONDS > 0, size, first)
        for at, size, first in zip(at_us, count, accumulate(count, initial=0), strict=False)
    ]
    records = np.ndarray(len(rows), RECORD, bytearray(b"".join(rows)))
    return AdmittedRequests(requests, user_ids, keys, np.array(at_us, INT64), records, candidates, written)


def candidate_array(flat: Sequence[Candidate], names: Names) -> npt.NDArray[np.void]:
    """Return candidates as an array of CANDIDATE, in the order given. They are trusted to have their shape.

    Raises InputFault where a name has no code, or a time is out of range.
    """
    expiries = [candidate.expires_at for candidate in flat]
    category: Callable[[str], int] = names.category
    channel: Callable[[str], int] = names.channel
    try:
        if len(flat) > FEW:  # names repeat: ask once for each, in their order
            category = {name: category(name) for name in dict.fromkeys([one.category for one in flat])}.__getitem__
            channel = {name: channel(name) for name in dict.fromkeys([one.channel for one in flat])}.__getitem__
        rows = [
            _packed_candidate(
                candidate.value,
                candidate.relevance,
                expiry_s,
                content_code(candidate.campaign_id, candidate.item_id),
                campaign_code(candidate.campaign_id),
                category(candidate.category),
                channel(candidate.channel),
                0,
            )
            for candidate, expiry_s in zip(flat, seconds_or_never(expiries), strict=True)
        ]
    except OutOfRange as error:
        raise _Refused(late(expiries[error.index], error.index, "expires_at")) from None
    except InputFault as fault:
        raise _Refused(_nameless(flat, names, fault)) from None
    return np.ndarray(len(rows), CANDIDATE, bytearray(b"".join(rows)))


class _Refused(InputFault):
    """A candidate of a flat list is refused; the first step of the place is its index."""

    def __init__(self, refusal: Refusal) -> None:
        fault = refusal.fault("candidates")
        super().__init__(fault.thing, fault.value, fault.problem, fault.action)
        self.refusal = refusal


def _nameless(flat: Sequence[Candidate], names: Names, fault: InputFault) -> Refusal:
    """Return the refusal of the first name that has no code."""
    for i, candidate in enumerate(flat):
        for field, code in (("category", names.category), ("channel", names.channel)):
            try:
                code(getattr(candidate, field))
            except InputFault:
                return Refusal((i, field), shown(getattr(candidate, field)), fault.problem, fault.action)
    return Refusal((), None, fault.problem, fault.action)


def _read(items: list[Any]) -> _Converted:
    try:
        return _converted(items)
    except REFUSED:
        given = plain(items, DEPTH_MAX)
    try:
        return _converted(given)
    except REFUSED as error:
        raise explained(error, {"requests": given}, shapes.Requests).fault() from None


def _converted(items: list[Any]) -> _Converted:
    try:
        requests = msgspec.convert({"requests": items}, shapes.Requests).requests
    except msgspec.ValidationError:  # records and objects are read with this option, which costs dictionaries time
        requests = msgspec.convert({"requests": items}, shapes.Requests, from_attributes=True).requests
    user_ids = [request.user_id for request in requests]
    keys = [request.idempotency_key for request in requests]
    ENCODER.encode((user_ids, keys))  # refuses what UTF-8 cannot carry
    offered = [request.candidates for request in requests]
    zones = {one.expires_at.tzinfo: one.expires_at for many in offered for one in many if one.expires_at is not None}
    if not all(map(is_written_exactly, zones.values())):
        requests = [replace(request, candidates=tuple(map(_exact, request.candidates))) for request in requests]
        offered = [request.candidates for request in requests]
    return requests, user_ids, keys, offered, write_candidates(offered)


def _exact(candidate: shapes.Candidate) -> shapes.Candidate:
    """Return a candidate whose expiry reads the same after it was written."""
    at = candidate.expires_at
    if at is None or is_written_exactly(at) or not is_taken(at):
        return candidate
    return replace(candidate, expires_at=at.astimezone(UTC))


def write_candidates(offered: Iterable[Sequence[Candidate]]) -> list[msgspec.Raw]:
    """Return the candidates of each request as JSON, as they go into the log."""
    encode = ENCODER.encode
    return [msgspec.Raw(encode(candidates)) for candidates in offered]


def _refuse_twins(offered: Sequence[Sequence[Candidate]]) -> None:
    """Refuse a request with two candidates of one id: a decision could not say which of them it chose."""
    for i, candidates in enumerate(offered):
        ids = [candidate.candidate_id for candidate in candidates]
        if len(set(ids)) < len(ids):
            j = next(j for j, name in enumerate(ids) if name in ids[:j])
            problem, action = "is the id of another candidate of this request", "give each candidate an id of its own"
            _refuse(Refusal((i, "candidates", j, "candidate_id"), shown(ids[j]), problem, action))


def _refuse(refusal: Refusal, count: Sequence[int] = ()) -> NoReturn:
    """Refuse the call. With ``count``, the place begins with the index of a candidate in the flat list of all."""
    index, *rest = refusal.place
    if count:
        ends = list(accumulate(count))
        i = next(i for i, end in enumerate(ends) if int(index) < end)
        index, rest = i, ["candidates", int(index) - ends[i] + count[i], *rest]
    raise Refusal((index, *rest), refusal.value, refusal.problem, refusal.action).fault("requests")
