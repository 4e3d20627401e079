"""Promise 11: two dispatchers never hold one lease, and what a stale holder says is not taken down. On a clock of ours.

Two connections to one file stand for two dispatchers in two processes: nothing but the file is shared.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from andante.channels.contract import Answer, Status
from andante.delivery import Outbox
from andante.delivery.outbox import Ended
from andante.delivery.retrying import Attempt, Letter, State, follow
from andante.live.sends import Send, Sends
from andante.settings.sections.delivery import DeliverySettings
from andante.vocabulary.records import Candidate

LANE = ("push", "test")
RULES = DeliverySettings(
    tries=3, jitter=0.0, marketing_within=timedelta(days=7), transactional_within=timedelta(days=7)
)
LEASE_US = 60_000_000
WEEK_US = 7 * 86_400_000_000
DISPATCHERS = st.sampled_from((0, 1))
STATUSES = st.sampled_from((Status.ACCEPTED, Status.BUSY, Status.AMBIGUOUS, Status.REFUSED))


class Fencing(RuleBasedStateMachine):
    """Two dispatchers on one outbox, any of which may stand still for as long as it likes."""

    claims = Bundle("claims")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "log.delivery"
        self.outboxes = [Outbox.open(path), Outbox.open(path)]
        for outbox in self.outboxes:
            outbox.follow("log", 0)
            outbox.database.rows("PRAGMA synchronous = OFF")  # nothing is killed here
        self.now_us = 10**15
        self.position = 0
        self.held = {}  # delivery -> (token, lease_us) of who may attempt it, as we know it
        self.attempts = {}  # delivery -> answers that were taken down
        self.last_token = 0
        for user in range(3):
            self.outboxes[0].addresses.add(f"user-{user}", *LANE, {"token": str(user)}, self.now_us)

    def teardown(self):
        for outbox in self.outboxes:
            outbox.close()
        self.folder.cleanup()

    @rule(who=DISPATCHERS, count=st.integers(1, 3), transactional=st.booleans())
    def take_in(self, who, count, transactional):
        """Both find the same sends; one takes them in."""
        after, at_s = self.position, self.now_us // 10**6
        sends = [
            Send(
                position=after + n,
                decision_id=f"log-{after + n:x}-0",
                user_id=f"user-{n % 3}",
                candidate=Candidate(candidate_id="c", category="promotion", channel="push"),
                sent_at_s=at_s,
                transactional=transactional,
            )
            for n in range(1, count + 1)
        ]
        self.position += count
        until_us = {send.position: self.now_us + WEEK_US for send in sends}
        found = Sends(sends, [], self.position)
        first, second = self.outboxes[who], self.outboxes[1 - who]
        assert first.take_in(after, found, {LANE: False}, until_us, self.now_us)
        assert not second.take_in(after, found, {LANE: False}, until_us, self.now_us)

    @rule(target=claims, who=DISPATCHERS, most=st.integers(1, 4))
    def claim(self, who, most):
        taken = self.outboxes[who].claim({LANE: most}, self.now_us, LEASE_US)
        for claim in taken:
            assert claim.delivery not in self.held, "one delivery, two holders"
            assert claim.token > self.last_token, "a token that does not rise fences nobody"
            self.held[claim.delivery] = claim.token
        self.last_token = max((claim.token for claim in taken), default=self.last_token)
        return multiple(*taken)

    @rule(who=DISPATCHERS, claim=claims, status=STATUSES)
    def end(self, who, claim, status):
        """Anybody may end any claim at any time, however old; only a token that still holds is listened to."""
        self._ended(who, claim, Answer(status=status))

    @rule(who=DISPATCHERS, claim=consumes(claims))
    def give_back(self, who, claim):
        self._ended(who, claim, Answer(status=Status.BUSY))

    @rule(seconds=st.integers(1, 120))
    def wait(self, seconds):
        self.now_us += seconds * 10**6

    @rule(who=DISPATCHERS)
    def bury_lapsed(self, who):
        for claim in self.outboxes[who].lapsed(self.now_us):
            assert claim.lease_us <= self.now_us
            self._ended(who, claim, Answer(status=Status.AMBIGUOUS))

    @invariant()
    def no_marketing_push_is_on_its_way_after_nobody_knew_of_it(self):
        query = """SELECT count(*) FROM deliveries JOIN attempts USING (delivery) JOIN pushes USING (position)
        WHERE status = 'ambiguous' AND deliveries.state != 'dead' AND json_extract(send, '$.transactional') IS NULL"""
        assert self.outboxes[0].database.rows(query) == [(0,)]

    @invariant()
    def every_send_is_one_push_with_one_delivery(self):
        rows = self.outboxes[1].database.rows("SELECT count(*), count(DISTINCT position) FROM deliveries")
        assert rows == [(self.position, self.position)]

    @invariant()
    def nothing_is_tried_more_often_than_it_may(self):
        assert all(count <= RULES.tries for count in self.attempts.values())

    def _ended(self, who, claim, answer):
        attempt = Attempt(claim.delivery, claim.tries, claim.send.transactional, claim.until_us)
        step = follow(attempt, answer, self.now_us, RULES)
        (taken,) = self.outboxes[who].end([Ended(claim, step, answer.status)], self.now_us)
        assert taken == (self.held.get(claim.delivery) == claim.token), (
            "a stale holder was listened to, or a true one not"
        )
        if taken:
            del self.held[claim.delivery]
            self.attempts[claim.delivery] = self.attempts.get(claim.delivery, 0) + 1


TestFencing = Fencing.TestCase
TestFencing.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def ended(claim, status, now_us):
    attempt = Attempt(claim.delivery, claim.tries, claim.send.transactional, claim.until_us)
    return Ended(claim, follow(attempt, Answer(status=status), now_us, RULES), status)


def test_a_stale_holder_is_told_that_it_was_not_listened_to():
    world = Fencing()
    one, other = world.outboxes
    world.take_in(0, 1, transactional=True)
    (stale,) = one.claim({LANE: 1}, world.now_us, LEASE_US)
    late_us = world.now_us + LEASE_US
    (lapsed,) = other.lapsed(late_us)
    assert other.end([ended(lapsed, Status.AMBIGUOUS, late_us)], late_us) == [True]
    later_us = late_us + LEASE_US
    (fresh,) = other.claim({LANE: 1}, later_us, LEASE_US)
    assert one.end([ended(stale, Status.ACCEPTED, later_us)], later_us) == [False]
    assert (one.counts()["attempting"], fresh.tries, fresh.token > stale.token) == (1, 2, True)
    world.teardown()


def test_what_follows_from_an_answer_is_in_the_table():
    attempt = Attempt(delivery=1, tries=1, transactional=False, until_us=10**12)
    urgent = attempt._replace(transactional=True)

    def after(status, one=attempt, **fields):
        step = follow(one, Answer(status=status, **fields), 0, RULES)
        return step.letter or step.state

    assert after(Status.ACCEPTED) is State.ACCEPTED
    assert [after(status) for status in (Status.REFUSED, Status.UNABLE, Status.GONE, Status.AMBIGUOUS)] == [
        Letter.REFUSED,
        Letter.UNABLE,
        Letter.GONE,
        Letter.AMBIGUOUS,
    ]
    assert after(Status.BUSY) is after(Status.AMBIGUOUS, urgent) is State.WAITING
    assert after(Status.BUSY, attempt._replace(tries=3)) is Letter.EXHAUSTED
    assert after(Status.AMBIGUOUS, urgent._replace(tries=3)) is Letter.AMBIGUOUS
    assert after(Status.BUSY, retry_after_s=10**9) is Letter.EXHAUSTED  # its time is over by then


def test_waits_double_up_to_their_longest_and_are_kept_apart_by_a_draw():
    rules = RULES.model_copy(update={"tries": 100, "jitter": 0.5, "backoff_max": timedelta(minutes=1)})
    busy = Answer(status=Status.BUSY)

    def wait_s(delivery, tries):
        attempt = Attempt(delivery, tries, transactional=False, until_us=WEEK_US)
        return follow(attempt, busy, 0, rules).next_us / 10**6

    for tries, base_s in [(1, 2), (2, 4), (5, 32), (6, 60), (99, 60)]:
        waits = [wait_s(delivery, tries) for delivery in range(50)]
        assert all(base_s <= wait <= 1.5 * base_s for wait in waits)
        assert len(set(waits)) == 50
