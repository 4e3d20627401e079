"""The rules once more, in plain Python: datetimes, zoneinfo and full histories, written from the documents alone.

It shares no code with the engine. Every rule answers for one instant: does it refuse this candidate now? The earliest
time at which all of them allow is found by trying every instant at which any rule can change its mind.

The model speaks twice. *Exact* (``whole=False``) it counts in microseconds: what it refuses, nobody may send. *Whole*
it knows seconds alone, as the engine is documented to: sends are rounded up, the present and expiries down, so
it refuses a little more. An engine is right when it refuses all of the first and nothing beyond the second.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

US = 1_000_000
DAY_S = 86_400
REMEMBERED = 31
"""How many of the latest capped sends the record has for certain: 32, less one that a transactional send may take."""

BINDING_TRANSACTIONAL = frozenset(
    {"kill_switch", "consent_channel", "consent_category", "expiry", "quiet_hours"},
)
FOR_EVER = frozenset({"kill_switch", "holdout", "consent_channel", "consent_category", "expiry"})
COUNTED = frozenset({"duplicate", "dial", "cap_global", "cap_category", "cap_channel", "gap", "vendor_quota"})
"""Rules that look back at sends, and so may refuse where the record has forgotten some."""

Hours = tuple[time, time]


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``limit`` sends in ``scope`` within any ``window``."""

    scope: str
    limit: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Quota:
    """What a vendor lets through on a channel in one day of its own zone."""

    limit: int
    news_limit: int
    zone: str
    quiet: Hours | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for all users."""

    allows_by_default: bool = False
    caps: tuple[Cap, ...] = ()
    quiet: Hours | None = None
    zone: str = "UTC"
    transactional: frozenset[str] = frozenset()
    news: frozenset[str] = frozenset()
    gap: timedelta = timedelta(0)
    duplicate_window: timedelta = timedelta(0)
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    stopped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Push:
    """A candidate as the model sees it."""

    category: str
    channel: str
    campaign: str | None = None
    item: str | None = None
    expires_us: int | None = None

    @classmethod
    def of(cls, candidate: Mapping[str, Any]) -> Push:
        """Read a candidate as a caller writes it."""
        expires = candidate.get("expires_at")
        return cls(
            candidate["category"],
            candidate["channel"],
            candidate.get("campaign_id"),
            candidate.get("item_id"),
            None if expires is None else micros(expires),
        )

    @property
    def content(self) -> tuple[str | None, str | None] | None:
        """What makes two pushes the same to their reader; None where nothing names it."""
        return None if self.campaign is None and self.item is None else (self.campaign, self.item)


@dataclass(frozen=True, slots=True)
class Send:
    """A push that went out."""

    at_us: int
    push: Push
    decision_id: str = ""


@dataclass(slots=True)
class Person:
    """All that was ever said about one user."""

    consent: dict[str, bool] = field(default_factory=dict)
    categories: dict[str, bool] = field(default_factory=dict)
    quiet: Hours | None = None
    zone: str | None = None
    max_per_day: int | None = None
    max_per_week: int | None = None
    paused_until_us: int | None = None
    held_out: bool | None = None  # not yet seen
    clock_us: int = 0  # of the latest decision
    sends: list[Send] = field(default_factory=list)
    judged_from: int = 0  # place among the sends from which on the policy held
    said_us: dict[str, int] = field(default_factory=dict)  # by wish, when it was uttered


class Model:
    """What the engine must agree with."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.people: dict[str, Person] = {}
        self.heard: set[tuple[str, str]] = set()  # opt-outs by outcome: each is heard once

    def person(self, user_id: str) -> Person:
        return self.people.setdefault(user_id, Person())

    # What happens.

    def prefer(self, user_id: str, wishes: Mapping[str, Any], at_us: int | None = None) -> None:
        """Take what is given; what is absent stays. Of two wishes for one thing, that of the later time holds.

        But a withdrawal of consent holds whatever its time, and only a later word gives the consent again.
        """
        person = self.person(user_id)
        for key, value in _spread(wishes):
            if at_us is not None:
                said_us = person.said_us.get(key, at_us)
                again = value is True and _said(person, key) is False
                if not _withdraws(key, value) and (at_us < said_us or (again and at_us == said_us)):
                    continue
                person.said_us[key] = max(at_us, said_us)
            _set(person, key, value)

    def switch(self, scope: str, *, on: bool) -> None:
        stopped = self.policy.stopped
        self.policy = replace(self.policy, stopped=stopped | {scope} if on else stopped - {scope})

    def obey(self, policy: Policy) -> None:
        """Follow another policy from here on; what was sent under the old one is no breach of this one."""
        self.policy = policy
        for person in self.people.values():
            person.judged_from = len(person.sends)

    def clock(self, user_id: str, at_us: int) -> int:
        """Return the instant at which a decision asked for ``at_us`` is taken: never before an earlier one's second."""
        latest_s = self.person(user_id).clock_us // US
        return at_us if at_us // US >= latest_s else latest_s * US

    def decided(self, user_id: str, at_us: int) -> None:
        person = self.person(user_id)
        person.clock_us = max(person.clock_us, at_us)

    def sent(self, user_id: str, push: Push, at_us: int, decision_id: str = "") -> None:
        self.person(user_id).sends.append(Send(at_us, push, decision_id))

    def answered(self, decision_id: str, outcome: str, at_us: int | None = None) -> None:
        """An opt-out withdraws consent to the channel, a complaint to the category too; whatever its time."""
        if outcome not in {"unsubscribed", "complained"} or (decision_id, outcome) in self.heard:
            return
        self.heard.add((decision_id, outcome))
        for user_id, person in self.people.items():
            for send in person.sends:
                if send.decision_id == decision_id:
                    refused = [f"consent.{send.push.channel}"]
                    refused += [f"categories.{send.push.category}"] if outcome == "complained" else []
                    for key in refused:
                        group, _, name = key.partition(".")
                        self.prefer(user_id, {group: {name: False}}, at_us)

    # What is allowed.

    def refusals(self, user_id: str, push: Push, at_us: int, *, whole: bool = False) -> set[str]:
        """Name every rule that refuses this push at this instant."""
        person = self.person(user_id)
        now = at_us // US * US if whole else at_us
        counted = [
            (up(send.at_us) if whole else send.at_us, send.push)
            for send in person.sends
            if send.push.category not in self.policy.transactional
        ]
        found = {
            *self._permanent(person, push),
            *self._lapsing(person, push, now, whole=whole),
            *self._quiet(person, now),
            *self._counting(person, push, now, counted),
            *self._vendor(push, now, counted),
        }
        return found & BINDING_TRANSACTIONAL if push.category in self.policy.transactional else found

    def _permanent(self, person: Person, push: Push) -> Iterator[str]:
        scopes = {"global", f"channel:{push.channel}", f"category:{push.category}", f"campaign:{push.campaign}"}
        if scopes & self.policy.stopped:
            yield "kill_switch"
        if person.held_out:
            yield "holdout"
        if not person.consent.get(push.channel, self.policy.allows_by_default):
            yield "consent_channel"
        if not person.categories.get(push.category, True):
            yield "consent_category"

    @staticmethod
    def _lapsing(person: Person, push: Push, now: int, *, whole: bool) -> Iterator[str]:
        paused, expires = person.paused_until_us, push.expires_us
        if paused is not None and now < (up(paused) if whole else paused):
            yield "paused"
        if expires is not None and now >= (expires // US * US if whole else expires):
            yield "expiry"

    def _quiet(self, person: Person, now: int) -> Iterator[str]:
        quiet = self.policy.quiet if person.quiet is None else person.quiet
        if quiet is not None and inside(quiet, person.zone or self.policy.zone, now):
            yield "quiet_hours"

    def _counting(self, person: Person, push: Push, now: int, counted: list[tuple[int, Push]]) -> Iterator[str]:
        def since(window: timedelta) -> list[Push]:
            """Return what went out in the window that ends now, or seems to come later; without a window nothing."""
            return [sent for at, sent in counted if window and at > now - length_us(window)]

        if push.content is not None and push.content in [sent.content for sent in since(self.policy.duplicate_window)]:
            yield "duplicate"
        dials = ((person.max_per_day, timedelta(days=1)), (person.max_per_week, timedelta(days=7)))
        if any(most is not None and len(since(window)) >= most for most, window in dials):
            yield "dial"
        for cap in self.policy.caps:
            kind, _, name = cap.scope.partition(":")
            if kind == "global" or getattr(push, kind) == name:
                within = [sent for sent in since(cap.window) if kind == "global" or getattr(sent, kind) == name]
                if len(within) >= cap.limit:
                    yield f"cap_{kind}"
        if since(self.policy.gap):
            yield "gap"

    def _vendor(self, push: Push, now: int, counted: list[tuple[int, Push]]) -> Iterator[str]:
        quota = self.policy.quotas.get(push.channel)
        if quota is None:
            return
        midnight = day_start(quota.zone, now)
        today = [sent for at, sent in counted if at >= midnight and sent.channel == push.channel]
        limit = quota.news_limit if push.category in self.policy.news else quota.limit
        if len(today) >= limit or (quota.quiet is not None and inside(quota.quiet, quota.zone, now)):
            yield "vendor_quota"

    def earliest(self, user_id: str, push: Push, at_us: int) -> int | None:
        """Return the earliest whole second from ``at_us`` on at which no rule refuses, if nothing else changes.

        It is ``at_us`` itself or an instant at which some rule ends to refuse. None: there is none.
        """
        start_s = at_us // US
        if self.refusals(user_id, push, at_us, whole=True) & FOR_EVER or 0 in self._dials(user_id, push):
            return None
        for second in sorted(self._turns(user_id, push, start_s)):
            refused = self.refusals(user_id, push, second * US, whole=True)
            if not refused:
                return second
            if "expiry" in refused:
                return None
        return None

    def _dials(self, user_id: str, push: Push) -> tuple[int | None, ...]:
        person = self.person(user_id)
        bound = push.category not in self.policy.transactional
        return (person.max_per_day, person.max_per_week) if bound else ()

    def _turns(self, user_id: str, push: Push, start_s: int) -> set[int]:
        """Return every second at which a rule can end to refuse."""
        person, policy = self.person(user_id), self.policy
        windows = [timedelta(days=1), timedelta(days=7), policy.gap, policy.duplicate_window]
        windows += [cap.window for cap in policy.caps]
        turns = {start_s}
        turns |= {
            up(send.at_us + length_us(w)) // US + more for send in person.sends for w in windows for more in (0, 1)
        }
        if person.paused_until_us is not None:
            turns.add(up(person.paused_until_us) // US)
        last = max(turns) + 3 * DAY_S
        quiet = policy.quiet if person.quiet is None else person.quiet
        if quiet is not None:
            turns |= loud_turns(person.zone or policy.zone, quiet[1], start_s, last)
        quota = policy.quotas.get(push.channel)
        if quota is not None:
            ends = [time(0)] + ([] if quota.quiet is None else [quota.quiet[1]])
            turns |= {turn for end in ends for turn in loud_turns(quota.zone, end, start_s, last)}
        return {turn for turn in turns if turn >= start_s}

    def forgotten_until(self, user_id: str, push: Push) -> int:
        """Return up to which second the record may refuse because it has forgotten sends; 0 where it has not."""
        policy = self.policy
        capped = sorted(s.at_us for s in self.person(user_id).sends if s.push.category not in policy.transactional)
        if len(self.person(user_id).sends) <= REMEMBERED + 1 or len(capped) <= REMEMBERED:
            return 0
        windows = [timedelta(days=7), policy.gap, policy.duplicate_window, *(cap.window for cap in policy.caps)]
        if push.channel in policy.quotas:
            windows.append(timedelta(days=2))
        return up(capped[-REMEMBERED - 1] + length_us(max(windows))) // US

    def over(self, user_id: str) -> list[str]:
        """Name every cap that the history of a user breaks, whatever the order in which its pushes went out."""
        own = self.person(user_id).sends[self.person(user_id).judged_from :]
        sends = [send for send in own if send.push.category not in self.policy.transactional]
        broken = []
        for cap in self.policy.caps:
            kind, _, name = cap.scope.partition(":")
            times = sorted(s.at_us for s in sends if kind == "global" or getattr(s.push, kind) == name)
            pairs = zip(times, times[cap.limit :], strict=False)
            broken += [f"{user_id}: {cap}" for first, last in pairs if last - first < length_us(cap.window)]
        return broken


def _spread(wishes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield one wish for each thing that can be wished for."""
    for key, value in wishes.items():
        if key in {"consent", "categories"}:
            yield from ((f"{key}.{name}", given) for name, given in value.items())
        else:
            yield key, value


def _withdraws(key: str, value: Any) -> bool:
    return value is False and key.startswith(("consent.", "categories."))


def _said(person: Person, key: str) -> bool | None:
    """Return what was last said of a consent; None where nothing was."""
    group, _, name = key.partition(".")
    return {"consent": person.consent, "categories": person.categories}.get(group, {}).get(name)


def _set(person: Person, key: str, value: Any) -> None:
    group, dot, name = key.partition(".")
    if dot:
        (person.consent if group == "consent" else person.categories)[name] = value
    elif key == "quiet_hours":
        person.quiet = None if value is None else hours(value["start"], value["end"])
    elif key == "time_zone":
        person.zone = value
    elif key == "paused_until":
        person.paused_until_us = None if value is None else micros(value)
    elif key in {"max_per_day", "max_per_week"}:
        setattr(person, key, value)


# Time.


def micros(at: datetime | str) -> int:
    """Return microseconds since 1970 UTC, exactly."""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def moment(at_us: int) -> datetime:
    """Return the datetime of microseconds since 1970 UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)


def length_us(window: timedelta) -> int:
    return window // timedelta(microseconds=1)


def up(at_us: int) -> int:
    """Round up to a whole second."""
    return -(-at_us // US) * US


def hours(start: str, end: str) -> Hours:
    return time.fromisoformat(start), time.fromisoformat(end)


@cache
def zone_of(name: str) -> ZoneInfo:
    """Return a zone as the tzdata package has it, whatever this system's own files say."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def local(zone: str, at_us: int) -> datetime:
    return moment(at_us).astimezone(zone_of(zone))


def inside(quiet: Hours, zone: str, at_us: int) -> bool:
    """Tell whether the clock on the user's wall shows a time in [start, end); equal ones are no hours at all."""
    start, end = quiet
    clock = local(zone, at_us).time()
    if start <= end:
        return start <= clock < end
    return clock >= start or clock < end


def day_start(zone: str, at_us: int) -> int:
    """Return the first instant of the local day that ``at_us`` lies in.

    Where clocks fall back over midnight the day before comes twice; where they spring over it, it begins late.
    """
    today = local(zone, at_us).date()
    starts = [turn * US for turn in loud_turns(zone, time(0), at_us // US - 2 * DAY_S, at_us // US)]
    begun = [s for s in starts if s <= at_us and local(zone, s).date() == today and local(zone, s - 1).date() != today]
    return max(begun)


def loud_turns(zone: str, end: time, first_s: int, last_s: int) -> set[int]:
    """Return each second between the two at which local clocks come to ``end``, or are changed."""
    place = zone_of(zone)
    begin, until = local(zone, first_s * US).date() - timedelta(days=1), local(zone, last_s * US).date()
    turns = set(changes(zone, begin.year, until.year + 1))
    day = begin
    while day <= until:
        for fold in (0, 1):
            wall = datetime.combine(day, end, tzinfo=place).replace(fold=fold)
            turns.add(micros(wall.astimezone(UTC)) // US)
        day += timedelta(days=1)
    return {turn for turn in turns if first_s <= turn <= last_s}


@cache
def changes(zone: str, first_year: int, last_year: int) -> tuple[int, ...]:
    """Return the seconds at which the zone's offset changes, found by bisection."""
    low = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp())
    high = int(datetime(last_year, 12, 31, tzinfo=UTC).timestamp())
    found, step = [], 6 * 3600
    for start in range(low, high, step):
        if offset(zone, start) != offset(zone, start + step):
            one, other = start, start + step
            while other - one > 1:
                middle = (one + other) // 2
                one, other = (middle, other) if offset(zone, middle) == offset(zone, start) else (one, middle)
            found.append(other)
    return tuple(found)


def offset(zone: str, at_s: int) -> timedelta:
    return local(zone, at_s * US).utcoffset() or timedelta(0)


def days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
