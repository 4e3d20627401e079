"""The clerk: all of delivery that touches disk and engine, in rounds. It knows no network and no event loop.

A round takes down what came of attempts, takes in what the log has newly sent, and hands out what is to be attempted:
claimed, asked again of the rules, and written out.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from andante.channels.contract import Answer, OfUsers, Status
from andante.delivery.outbox import Ended
from andante.delivery.receipts import Receipts
from andante.delivery.retrying import SECOND_US, Attempt, Letter, State, Step, chance, follow
from andante.vocabulary.fault import InputFault
from andante.vocabulary.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from andante.channels.contract import Channel, Push
    from andante.delivery.outbox import Claim, Lane, Outbox
    from andante.delivery.rendering import Writer
    from andante.live.clock import SteadyClock
    from andante.live.rechecking import Refusal
    from andante.live.sends import Send, Sends
    from andante.settings.sections.delivery import DeliverySettings
    from andante.vocabulary.records import Receipt

_LOG = logging.getLogger(__name__)

ROWS_PER_CURSOR = 50_000
"""Where the log goes on without sends, the cursor is written down after so many positions."""


class Deciding(Protocol):
    """An engine, as delivery needs it."""

    @property
    def log_name(self) -> str:
        """The name of its log."""
        ...

    @property
    def position(self) -> int:
        """The last position of its log."""
        ...

    def sends(self, after: int) -> Sends:
        """Return what goes out after a position."""
        ...

    def recheck(self, sends: Sequence[Send], at: datetime | None = None) -> list[Refusal | None]:
        """Return for each send why it may not go out now, or None."""
        ...

    def observe(self, outcomes: Sequence[Mapping[str, Any]]) -> Receipt:
        """Learn what came of decisions."""
        ...


class Ready(NamedTuple):
    """A push to be attempted now."""

    claim: Claim
    push: Push
    message: str  # name and version of what it says


class Round(NamedTuple):
    """What a round has come to."""

    ready: list[Ready]
    moved: bool  # another round may find more to do


class Clerk:
    """Keeps the books of one dispatcher. Called by one thread at a time.

    What a push waits for, quiet hours or its own end, is event time, by ``clock``. How long somebody holds it is the
    machine's time, by ``machine``: the same time, except in a demonstration, whose hours are seconds.
    """

    def __init__(  # noqa: PLR0913  who decides, what is kept, what is served, what is said, under which rules, and when
        self,
        engine: Deciding,
        outbox: Outbox,
        channels: Mapping[Lane, Channel],
        *,
        writer: Writer,
        rules: DeliverySettings,
        clock: SteadyClock,
        machine: SteadyClock | None = None,
    ) -> None:
        """Store them."""
        self._machine = machine or clock
        self._engine, self._outbox, self._writer, self._rules, self._clock = engine, outbox, writer, rules, clock
        self._forms = {lane: channel.forms for lane, channel in channels.items()}
        self._lanes = {lane: isinstance(channel, OfUsers) and channel.of_users for lane, channel in channels.items()}
        self._receipts = Receipts(outbox, engine)
        self._cursor = self._read = 0
        self._pruned_us = 0

    def open(self) -> None:
        """Find the place in the log. Raises ``StoreFault`` where the outbox is not this log's."""
        self._cursor = self._read = self._outbox.follow(self._engine.log_name, self._engine.position)

    def round(self, ended: Sequence[Ended], room: Mapping[Lane, int]) -> Round:
        """Take down what has ended, and hand out what is to be attempted, of each lane as many as there is room for.

        Raises ``StoreFault`` where a disk does not take it; the round may be repeated with the same arguments.
        """
        now_us = self._clock.now_us()
        self.end(ended)
        self._take_in(now_us)
        self._bury_lapsed(now_us)
        told = self._receipts.tell()
        self._prune(now_us)
        claims = self._outbox.claim(room, now_us, _us(self._rules.lease), machine_us=self._machine.now_us())
        return Round(self._sift(claims), moved=bool(ended or told or claims))

    def ended(self, ready: Ready, answer: Answer) -> Ended:
        """Return what came of an attempt, and what follows."""
        step = self._follow(ready.claim, answer, self._clock.now_us())
        return Ended(
            ready.claim,
            step,
            answer.status,
            answer.code,
            answer.detail,
            answer.raw,
            answer.provider_id,
            message=ready.message,
            gone_since_us=None if answer.gone_since_s is None else int(answer.gone_since_s * SECOND_US),
        )

    def in_time(self, claim: Claim) -> bool:
        """Tell whether an attempt that begins now would end before its lease does."""
        return self._machine.now_us() <= claim.lease_us - _us(self._rules.lease) // 2

    def postponed(self, claim: Claim) -> Ended:
        """Give a claim back, without an attempt."""
        step = Step(State.WAITING, next_us=self._clock.now_us())
        return Ended(claim, step, "postponed", "late", "the lease was nearly over", attempted=False)

    def end(self, ended: Sequence[Ended]) -> None:
        """Take down what has ended."""
        if not ended:
            return
        for one, held in zip(ended, self._outbox.end(ended, self._clock.now_us()), strict=True):
            if not held:
                _LOG.warning("decision %s: an answer came after its lease, or twice", one.claim.send.decision_id)

    def _take_in(self, now_us: int) -> None:
        found = self._engine.sends(self._read)
        far = found.position - self._cursor >= ROWS_PER_CURSOR
        if found.sends or found.damaged or far:
            until_us = {send.position: self._until_us(send) for send in found.sends}
            if not self._outbox.take_in(self._cursor, found, self._lanes, until_us, now_us):
                self._cursor = self._read = self._outbox.cursor  # another dispatcher was here first
                return
            self._cursor = found.position
        self._read = found.position

    def _until_us(self, send: Send) -> int:
        within = self._rules.transactional_within if send.transactional else self._rules.marketing_within
        until_us = send.sent_at_s * SECOND_US + _us(within)
        expires_at = send.candidate.expires_at
        return until_us if expires_at is None else min(until_us, int(expires_at.timestamp()) * SECOND_US)

    def _bury_lapsed(self, now_us: int) -> None:
        """End what nobody can know of any more, because its holder was lost."""
        answer = Answer(status=Status.AMBIGUOUS, code="lapsed", detail="whoever attempted it was lost with its lease")
        lapsed = self._outbox.lapsed(self._machine.now_us())
        if lapsed:
            steps = [self._follow(claim, answer, now_us) for claim in lapsed]
            said = (answer.status, answer.code, answer.detail)
            self._outbox.end([Ended(*pair, *said) for pair in zip(lapsed, steps, strict=True)], now_us)

    def _follow(self, claim: Claim, answer: Answer, now_us: int) -> Step:
        return follow(_attempt(claim), answer, now_us, self._rules, self._clock.speed)

    def _prune(self, now_us: int) -> None:
        if now_us - self._pruned_us > _us(self._rules.keep) // 100:
            self._pruned_us = now_us
            self._outbox.prune(now_us - _us(self._rules.keep))

    def _sift(self, claims: Sequence[Claim]) -> list[Ready]:
        """Return of these claims those that may go out, and end the others."""
        if not claims:
            return []
        now_us = self._clock.now_us()
        at = datetime.fromtimestamp(now_us // SECOND_US, UTC)
        try:
            refusals = self._refusals(claims, at)
        except BaseException:
            self._outbox.end([self.postponed(claim) for claim in claims], now_us)
            raise
        ready: list[Ready] = []
        ended: list[Ended] = []
        for claim, refusal in zip(claims, refusals, strict=True):
            outcome = self._judged(claim, refusal, now_us)
            (ready if isinstance(outcome, Ready) else ended).append(outcome)  # type: ignore[arg-type]
        if ended:
            self._outbox.end(ended, now_us)
        return ready

    def _refusals(self, claims: Sequence[Claim], at: datetime) -> list[Refusal | InputFault | None]:
        """Ask the rules again; where one of the sends is at fault, each by itself, so that it alone bears it."""
        try:
            return list(self._engine.recheck([claim.send for claim in claims], at))
        except InputFault as fault:
            if len(claims) == 1:
                return [fault]
            return [answer for claim in claims for answer in self._refusals([claim], at)]

    def _judged(self, claim: Claim, refusal: Refusal | InputFault | None, now_us: int) -> Ready | Ended:
        """Return a push to be attempted, or why it is not."""
        if claim.until_us <= now_us:
            return _withheld(claim, Reason.EXPIRY, "its time was over before it could go out")
        if isinstance(refusal, InputFault):
            return _unable(claim, refusal)
        if refusal is not None:
            return self._refused(claim, refusal)
        if claim.address is None:
            step = Step(State.DEAD, Letter.GONE)
            return Ended(claim, step, Status.GONE, "dropped", "the address was dropped meanwhile", attempted=False)
        try:
            push, message = self._writer.write(claim.send, self._forms[claim.lane])
        except Exception as fault:  # noqa: BLE001  whatever is wrong with one message, it is that one's alone
            return _unable(claim, fault)
        return Ready(claim, push, message)

    def _refused(self, claim: Claim, refusal: Refusal) -> Ended:
        """Let a push wait that may go out while there is still time, or withhold it."""
        spread_us = int(chance(f"{claim.delivery}/{refusal.until_s}") * _us(self._rules.backoff_max))
        next_us = refusal.until_s * SECOND_US + spread_us
        if next_us >= claim.until_us:
            return _withheld(claim, refusal.reason, "asked again before it went out, the rules refused it")
        return Ended(
            claim, Step(State.WAITING, next_us=next_us), "postponed", refusal.reason.name.lower(), attempted=False
        )


def _withheld(claim: Claim, reason: Reason, detail: str) -> Ended:
    return Ended(claim, Step(State.WITHHELD), State.WITHHELD, reason.name.lower(), detail, attempted=False)


def _unable(claim: Claim, fault: Exception) -> Ended:
    step = Step(State.DEAD, Letter.UNABLE)
    return Ended(claim, step, Status.UNABLE, type(fault).__name__, str(fault), attempted=False)


def _attempt(claim: Claim) -> Attempt:
    return Attempt(claim.delivery, claim.tries, claim.send.transactional, claim.until_us)


def _us(span: timedelta) -> int:
    return int(span.total_seconds() * SECOND_US)
