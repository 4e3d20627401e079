"""Promise 1: no user ever exceeds a limit, and nothing is refused without need, whatever happens in whatever order."""

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from model import DAY_S, US, Cap, Model, Policy, Push, Quota, hours, micros, moment
from promise_desk import ASKED, UNASKED, Judge, effort, entries, folded, position_of, settings_of, states, warm

from andante import Engine
from andante.runners.replaying import replay
from andante.settings import load
from andante.vocabulary.reason import Action

START = micros("2026-03-28T12:00:00+00:00")
"""Half a day before Europe's clocks change, a week before Lord Howe's, whose change is half an hour."""

DAY = timedelta(days=1)
USERS = ("ann", "bob", "cho")
CATEGORIES = ("promotion", "news", "order_update")
CHANNELS = ("push", "email")
ZONES = ("Europe/Dublin", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Kiritimati", "Africa/Casablanca")
WINDOWS = tuple(timedelta(seconds=s) for s in (1, 300, 5400, DAY_S, 3 * DAY_S, 7 * DAY_S, 31 * DAY_S))
SCOPES = ("global", "category:promotion", "category:news", "channel:push", "channel:email")
SWITCHES = ("global", "channel:push", "category:news", "campaign:spring")
CLOCKS = ("22:00", "08:00", "01:15", "02:30", "00:00", "13:00")
QUIET = st.none() | st.sampled_from([hours(a, b) for a in CLOCKS for b in CLOCKS if a != b])

caps = st.lists(
    st.builds(Cap, st.sampled_from(SCOPES), st.integers(1, 3), st.sampled_from(WINDOWS)),
    max_size=4,
    unique_by=lambda cap: (cap.scope, cap.window),
).map(tuple)
quotas = st.just({}) | st.builds(
    lambda limit, news, zone, quiet: {"push": Quota(limit, news, zone, quiet)},
    st.integers(1, 2),
    st.integers(2, 3),
    st.sampled_from(["Asia/Shanghai", "Europe/Dublin"]),
    st.none() | st.just(hours("00:00", "06:00")),
)
policies = st.builds(
    Policy,
    allows_by_default=st.sampled_from([False, False, True]),
    caps=caps,
    quiet=QUIET,
    zone=st.sampled_from(["UTC", *ZONES]),
    transactional=st.just(frozenset({"order_update"})),
    news=st.just(frozenset({"news"})),
    gap=st.sampled_from([timedelta(0), timedelta(0), timedelta(minutes=20)]),
    duplicate_window=st.sampled_from([timedelta(0), timedelta(days=2)]),
    quotas=quotas,
)
wishes = st.fixed_dictionaries(
    {},
    optional={
        "consent": st.dictionaries(st.sampled_from(CHANNELS), st.booleans(), min_size=1),
        "categories": st.dictionaries(st.sampled_from(CATEGORIES), st.booleans(), min_size=1),
        "quiet_hours": st.none()
        | st.builds(lambda a, b: {"start": a, "end": b}, st.sampled_from(CLOCKS), st.sampled_from(CLOCKS)),
        "time_zone": st.none() | st.sampled_from(ZONES),
        "max_per_day": st.none() | st.integers(0, 3),
        "max_per_week": st.none() | st.integers(0, 5),
        "paused_until": st.none() | st.integers(0, 3 * DAY_S * US).map(lambda us: moment(START + us)),
        "member": st.booleans(),
        "profiling": st.booleans(),
    },
)
pushes = st.fixed_dictionaries(
    {"category": st.sampled_from(CATEGORIES), "channel": st.sampled_from(CHANNELS)},
    optional={
        "campaign_id": st.sampled_from(["spring", "summer"]),
        "item_id": st.sampled_from(["shoes", "hat"]),
        "value": st.floats(1, 4),
        "relevance": st.floats(1, 3),
        "lasts_us": st.sampled_from([1, US - 1, 600 * US, 6 * 3600 * US + 5, 2 * DAY_S * US]),
    },
)
offers = st.lists(pushes, min_size=1, max_size=3)
FRACTIONS = st.sampled_from([0, 1, 500_000, 999_999])
OUTCOMES = ("delivered", "opened", "clicked", "converted", "dismissed", "not_interested", "unsubscribed", "complained")


class Life(RuleBasedStateMachine):
    """Users, wishes, pushes and a clock that runs as it likes, in memory and with the rules alone."""

    rules_alone: ClassVar[bool] = True
    budget: ClassVar[dict[str, Any]] = {}
    durable: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="andante-") if self.durable else None
        self.path = ":memory:" if self.folder is None else str(Path(self.folder.name) / "andante.db")
        self.now, self.asked = START, 0
        self.users: dict[str, int] = {}
        self.answers: list[tuple[dict[str, Any], Any]] = []
        self.latest: dict[str, tuple[Any, list[dict[str, Any]]]] = {}
        self.sends: list[str] = []
        self.waiting: dict[str, int] = {}
        self.settled: set[str] = set()

    @initialize(policy=policies, holdout=st.sampled_from([0.0, 0.0, 0.4]), seed=st.integers(0, 5))
    def open(self, policy: Policy, holdout: float, seed: int) -> None:
        self.judge = Judge(Model(policy), rules_alone=self.rules_alone)
        self.model = self.judge.model
        self.configuration = settings_of(policy, holdout=holdout, seed=seed, alone=self.rules_alone)
        self.configuration["budget"] = self.budget
        self.engine = Engine.open(self.path, self.configuration)
        for user, decision in zip(USERS, warm(self.engine, USERS, moment(START) - DAY), strict=True):
            self.judged(user, decision, [UNASKED])
        for user in USERS[:2]:
            self.wish(user, {"consent": {"push": True, "email": True}})

    # The clock.

    @rule(
        seconds=st.sampled_from([0, 1, 299, 300, 3600, 5400, DAY_S, 7 * DAY_S]) | st.integers(0, 2 * DAY_S),
        part=FRACTIONS,
    )
    def wait(self, seconds: int, part: int) -> None:
        self.now += seconds * US + part

    @rule(seconds=st.sampled_from([1, 3600, DAY_S, 8 * DAY_S]), part=FRACTIONS)
    def step_back(self, seconds: int, part: int) -> None:
        self.now = max(self.now - seconds * US - part, START - 30 * DAY_S * US)

    @rule(user=st.sampled_from(USERS), offer=pushes, nudge=st.sampled_from([-US, -1, 0, 1, US - 1]))
    def approach(self, user: str, offer: dict[str, Any], nudge: int) -> None:
        """Go to where a push begins to be allowed, or just before or after it, and ask for it there."""
        first = self.model.earliest(user, Push.of(self.candidate(0, offer)), self.model.clock(user, self.now))
        if first is not None:
            self.now = max(first * US + nudge, 0)
            self.ask(user, [offer], keyed=False)

    # What users and operators do.

    @rule(user=st.sampled_from(USERS), wishes=wishes)
    def wish(self, user: str, wishes: dict[str, Any]) -> None:
        self.engine.set_preferences(user, {**wishes, "at": moment(self.now)})
        self.model.prefer(user, wishes, self.now)

    @rule(user=st.sampled_from(USERS), kind=st.sampled_from(["view", "purchase", "visit", "cart"]))
    def behave(self, user: str, kind: str) -> None:
        self.engine.ingest([{"user_id": user, "type": kind, "at": moment(self.now), "value": 3.0}])

    @rule(scope=st.sampled_from(SWITCHES), on=st.booleans())
    def switch(self, scope: str, on: bool) -> None:  # noqa: FBT001  hypothesis draws it
        self.engine.switch(scope, on=on)
        self.model.switch(scope, on=on)

    @rule(user=st.sampled_from(USERS), interest=st.floats(0, 1))
    def plan(self, user: str, interest: float) -> None:
        per_week = 168.0 if self.rules_alone else 20 * interest
        self.engine.publish([{"user_id": user, "plan_per_week": per_week, "interest": interest, "theta": 0.5}])

    @precondition(lambda self: self.sends)
    @rule(data=st.data(), kind=st.sampled_from(OUTCOMES))
    def answer(self, data: st.DataObject, kind: str) -> None:
        decision_id = data.draw(st.sampled_from(self.sends))
        receipt = self.engine.observe([{"decision_id": decision_id, "type": kind, "at": moment(self.now)}])
        assert receipt.accepted + receipt.duplicates == 1
        self.model.answered(decision_id, kind, self.now)

    # Decisions.

    @rule(user=st.sampled_from(USERS), offers=offers, keyed=st.booleans())
    def ask(self, user: str, offers: list[dict[str, Any]], keyed: bool) -> None:  # noqa: FBT001
        self.asked += 1
        candidates = [self.candidate(place, offer) for place, offer in enumerate(offers)]
        request = {"user_id": user, "candidates": candidates, "at": moment(self.now)}
        if keyed:
            request["idempotency_key"] = f"key-{self.asked}"
        (decision,) = self.engine.decide([request])
        self.answers.append((request, decision))
        self.judged(user, decision, candidates)

    @rule(
        batch=st.lists(st.tuples(st.sampled_from(USERS), offers), min_size=2, max_size=8),
        apart=st.sampled_from([0, 1, US, 400 * US, 3600 * US, DAY_S * US]),
    )
    def ask_at_once(self, batch: list[tuple[str, list[dict[str, Any]]]], apart: int) -> None:
        """Ask many questions in one call, several of one user among them."""
        requests = []
        for user, wanted in batch:
            candidates = [self.candidate(place, offer) for place, offer in enumerate(wanted)]
            requests.append({"user_id": user, "candidates": candidates, "at": moment(self.now)})
            self.now += apart
        for request, decision in zip(requests, self.engine.decide(requests), strict=True):
            self.judged(request["user_id"], decision, request["candidates"])

    @precondition(lambda self: any("idempotency_key" in request for request, _ in self.answers))
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        """A retry gives the first answer, and is no new decision."""
        keyed = [(request, answer) for request, answer in self.answers if "idempotency_key" in request]
        request, first = data.draw(st.sampled_from(keyed))
        log = len(entries(self.engine))
        (again,) = self.engine.decide([request])
        assert without_default(again) == without_default(first)
        assert len(entries(self.engine)) == log

    @rule()
    def release(self) -> None:
        """What is due is asked again, each deferred request once."""
        released = self.engine.release(moment(self.now))
        for one in released:
            assert not self.settled & set(one.origins)
            for origin in one.origins:
                # What waits on may be the rest of a request that was sent, too; then nobody was told until when.
                assert self.waiting.pop(origin, None) is not None or origin in self.sends
            self.settled |= set(one.origins)
            entry = next(
                entry for entry in entries(self.engine) if entry.position == position_of(one.decision.decision_id)
            )
            self.judged(one.user_id, one.decision, entry.body["candidates"])
        assert all(due > self.now // US for due in self.waiting.values())

    @rule(user=st.sampled_from(USERS))
    def look(self, user: str) -> None:
        """Looking changes nothing, and tells of the last decision and of the earliest time of another one."""
        before = states(self.engine)
        why = self.engine.explain(user, moment(self.now))
        self.engine.user(user)
        assert states(self.engine) == before
        decision, candidates = self.latest[user]
        assert why.decision is not None
        assert without_default(why.decision) == without_default(decision)
        clock = self.model.clock(user, self.now)
        firsts = [self.model.earliest(user, Push.of(candidate), clock) for candidate in candidates]
        soonest = min((first for first in firsts if first is not None), default=None)
        assert why.next_at == (None if soonest is None else moment(soonest * US))

    @rule()
    def reopen(self) -> None:
        """What was there before is there again."""
        before, store, due = states(self.engine), self.engine._desk.store, self.engine.next_release()
        self.engine.close()
        if self.durable:
            self.engine = Engine.open(self.path, self.configuration)
        else:
            self.engine = Engine.over(store.reopened(), load(self.configuration, {}))
        assert states(self.engine) == before
        assert self.engine.next_release() == due

    @rule(policy=policies)
    def reconfigure(self, policy: Policy) -> None:
        """The shop has other rules from here on; what an operator has stopped stays so."""
        self.model.obey(replace(policy, stopped=self.model.policy.stopped))
        self.configuration |= {
            key: value
            for key, value in settings_of(policy).items()
            if key not in {"experiment", "pacing", "engine", "learning"}
        }
        if policy.quiet is None:
            self.configuration.pop("quiet_hours", None)
        self.reopen()

    @invariant()
    def no_cap_is_exceeded(self) -> None:
        if hasattr(self, "model"):
            assert [broken for user in USERS for broken in self.model.over(user)] == []

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            held = states(self.engine)
            self.engine.close()
            if self.durable:
                assert folded(self.path, self.configuration) == held
                assert replay(Path(self.path)).differences == []
        if self.folder is not None:
            self.folder.cleanup()

    # Helpers.

    def candidate(self, place: int, offer: dict[str, Any]) -> dict[str, Any]:
        candidate = {"candidate_id": f"c{place}", **offer}
        lasts = candidate.pop("lasts_us", None)
        return candidate if lasts is None else {**candidate, "expires_at": moment(self.now + lasts)}

    def judged(self, user: str, decision: Any, candidates: list[dict[str, Any]]) -> None:
        """Find the decision in the log, hold it against the model, and the answer against the log."""
        entry = next(entry for entry in entries(self.engine) if entry.position == position_of(decision.decision_id))
        assert entry.kind in ASKED
        self.judge.check(user, entry, candidates, decision.decision_id)
        chosen = entry.body["decision"]["chosen"]
        assert decision.action == entry.action.name.lower()
        assert decision.candidate_id == (None if chosen < 0 else candidates[chosen]["candidate_id"])
        self.latest[user] = decision, candidates
        if entry.action is Action.SEND:
            self.sends.append(decision.decision_id)
        if entry.action is Action.DEFER:
            self.waiting[decision.decision_id] = micros(decision.send_at) // US


def without_default(decision: Any) -> dict[str, Any]:
    """Leave out that consent is by default: another proof asks for it."""
    told: dict[str, Any] = decision.to_dict()
    return told | {"reasons": [reason for reason in told["reasons"] if reason != "consent_by_default"]}


class DurableLife(Life):
    """The same on a SQLite file, closed and opened again."""

    durable = True


class PacedLife(Life):
    """The same with the pace, the index and the exploration that come by default, under a budget that is held live."""

    rules_alone = False
    budget: ClassVar[dict[str, Any]] = {"per_user_week": 3.0, "controller": True, "every": "PT1H"}


class DurablePacedLife(PacedLife):
    """And that on a file."""

    durable = True


TestNoLimitIsEverExceededByTheRulesAlone = Life.TestCase
TestNoLimitIsEverExceededByTheRulesAlone.settings = effort(200, stateful_step_count=50)
TestNoLimitIsEverExceededOnDisk = DurableLife.TestCase
TestNoLimitIsEverExceededOnDisk.settings = effort(50, stateful_step_count=40)
TestNoLimitIsEverExceededWithPacingOnDisk = DurablePacedLife.TestCase
TestNoLimitIsEverExceededWithPacingOnDisk.settings = effort(30, stateful_step_count=40)
TestNoLimitIsEverExceededWithPacing = PacedLife.TestCase
TestNoLimitIsEverExceededWithPacing.settings = effort(150, stateful_step_count=50)
