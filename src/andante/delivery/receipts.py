"""Receipts: what providers report later comes back as outcomes, with the raw report kept beside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from andante.delivery.addresses import drop_unseen_since
from andante.delivery.dead_letters import bury
from andante.delivery.outbox import RAW_MAX, Outbox, settle
from andante.delivery.retrying import Letter
from andante.vocabulary.message import OutcomeType

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from andante.channels.contract import Receipt as Report
    from andante.vocabulary.records import Receipt

FAILED = OutcomeType.FAILED
"""The outcome of a push that reached nobody, whoever found that out."""

LATE_MAX_US = 30 * 86_400 * 1_000_000
"""No report is believed to be of longer ago, or of the future: a provider's clock may be wrong."""

_KNOWN = {str(outcome) for outcome in OutcomeType}
_BY_DECISION = "SELECT decision_id, user_id, position FROM pushes WHERE decision_id = ?"
_BY_PROVIDER_ID = """SELECT decision_id, user_id, position, delivery FROM deliveries JOIN pushes USING (position)
WHERE provider = ? AND provider_id = ?"""
_KEEP = """INSERT INTO provider_events (at_us, provider, decision_id, user_id, outcome, raw, untold)
VALUES (?, ?, ?, ?, ?, ?, ?)"""
_UNTOLD = "SELECT event, decision_id, outcome, at_us FROM provider_events WHERE untold = 1 ORDER BY event LIMIT 1000"
_WHICH = """SELECT delivery, channel, provider, address_id FROM deliveries
WHERE delivery = ?1 OR ?1 IS NULL AND position = ?2 AND provider = ?3 AND 1 =
  (SELECT count(*) FROM deliveries WHERE position = ?2 AND provider = ?3)"""
_BOUNCE = "UPDATE deliveries SET state = 'dead', letter = 'bounced' WHERE delivery = ? AND state = 'accepted'"


class Observing(Protocol):
    """An engine, as receipts need it."""

    def observe(self, outcomes: Sequence[Mapping[str, Any]]) -> Receipt:
        """Learn what came of decisions; what is repeated counts once."""
        ...


class Taken(NamedTuple):
    """What became of a list of reports."""

    accepted: int
    unknown: int  # of no push that we know, or of no known outcome: kept, and not learned from


class _Of(NamedTuple):
    """The push that a report is of."""

    decision_id: str | None
    user_id: str | None = None
    position: int | None = None
    delivery: int | None = None


class Receipts:
    """Takes reports in. What is taken in is durable before the engine hears of it, and told again after a crash."""

    def __init__(self, outbox: Outbox, engine: Observing) -> None:
        """Store where reports are kept, and who learns from them."""
        self._outbox = outbox
        self._engine = engine

    def take(self, provider: str, reports: Sequence[Report], now_us: int) -> Taken:
        """Take in what a provider reports, and tell the engine."""
        with self._outbox.database.transaction() as connection:
            known = sum(_keep(connection, provider, report, now_us) for report in reports)
        self.tell()
        return Taken(known, len(reports) - known)

    def tell(self) -> int:
        """Tell the engine what it was not told: reports, and pushes that reached nobody; return how many."""
        untold = self._outbox.untold()
        reports = self._outbox.database.rows(_UNTOLD)
        outcomes = [_outcome(one.decision_id, FAILED, one.at_us) for one in untold]
        outcomes += [_outcome(decision_id, outcome, at_us) for _, decision_id, outcome, at_us in reports]
        if not outcomes:
            return 0
        self._engine.observe(outcomes)  # what it rejects, it rejects for good
        if untold:
            self._outbox.told(one.position for one in untold)
        if reports:
            with self._outbox.database.transaction() as connection:
                done = [(event,) for event, *_ in reports]
                connection.executemany("UPDATE provider_events SET untold = 0 WHERE event = ?", done)
        return len(outcomes)


def _outcome(decision_id: str, outcome: str, at_us: int) -> dict[str, Any]:
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC).replace(microsecond=at_us % 1_000_000)
    return {"decision_id": decision_id, "type": str(outcome), "at": at}


def _keep(connection: sqlite3.Connection, provider: str, report: Report, now_us: int) -> bool:
    """Keep a report, and return whether it is of a push of ours and of an outcome that there is."""
    of = _find(connection, provider, report)
    at_us = now_us if report.at_us is None else max(min(report.at_us, now_us), now_us - LATE_MAX_US)
    known = of.position is not None and report.outcome in _KNOWN
    told_now = known and report.outcome != FAILED  # a failure is told when no other address was reached
    kept = (at_us, provider, of.decision_id, of.user_id, report.outcome, report.raw[:RAW_MAX], int(told_now))
    connection.execute(_KEEP, kept)
    if of.position is not None and known and (report.outcome == FAILED or report.gone):
        for delivery, *address in connection.execute(_WHICH, (of.delivery, of.position, provider)).fetchall():
            if report.gone:
                drop_unseen_since(connection, tuple(address), at_us)
            if report.outcome == FAILED:
                _bounce(connection, of.position, delivery, now_us)
    return known


def _bounce(connection: sqlite3.Connection, position: int, delivery: int, now_us: int) -> None:
    """Take back that a delivery was accepted."""
    if connection.execute(_BOUNCE, (delivery,)).rowcount > 0:
        bury(connection, position, delivery, Letter.BOUNCED, now_us, detail="the provider reported it later")
        settle(connection, position, now_us)


def _find(connection: sqlite3.Connection, provider: str, report: Report) -> _Of:
    """Find the push that a report is of: by the provider's own id, which names one address, else by ours."""
    if report.provider_id is not None:
        found = connection.execute(_BY_PROVIDER_ID, (provider, report.provider_id)).fetchone()
        if found is not None:
            return _Of(*found)
    if report.decision_id is not None:
        found = connection.execute(_BY_DECISION, (report.decision_id,)).fetchone()
        if found is not None:
            return _Of(*found)
    return _Of(report.decision_id)
