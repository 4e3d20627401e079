"""Standing: what holds for a shopper now, as their page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from andante.shopper.clocks import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from andante.live.recent import RecentPush
    from andante.live.views import UserView
    from andante.operators.complaints import Complaint
    from andante.service.tokens import Person
    from andante.settings import Settings
    from andante.shopper.front import Front

PUSHES_MAX = 10
"""How many of the last pushes are shown."""

_ALLOW = "allow"


class Choice(NamedTuple):
    """A channel or a category, and whether its pushes may come."""

    name: str  # the shop's own
    given: bool
    transactional: bool = False  # a category whose pushes shoppers wait for


class Standing(NamedTuple):
    """What holds for a shopper now."""

    user: UserView
    channels: tuple[Choice, ...]
    categories: tuple[Choice, ...]
    pushes: tuple[RecentPush, ...]
    complaints: Sequence[Complaint] | None  # None: there is no book of them
    clock: Clock  # on the shopper's wall
    usual_hours: tuple[str, str] | None  # the shop's quiet hours
    usual_zone: str

    @property
    def dial(self) -> dict[str, Any]:
        """The form of how often, as it is filled in now."""
        day, week = self.user.max_per_day, self.user.max_per_week
        kind = "learn" if day is None and week is None else "none" if 0 in {day, week} else "limit"
        return {"dial": kind, "max_per_day": day or "", "max_per_week": week or ""}

    @property
    def hours(self) -> dict[str, str]:
        """The form of when not, as it is filled in now."""
        own = self.user.quiet_hours
        start, end = own or self.usual_hours or ("22:00", "08:00")
        kind = "usual" if own is None else "none" if start == end else "own"
        if kind == "none":
            start, end = self.usual_hours or ("22:00", "08:00")
        return {"quiet": kind, "start": start, "end": end, "time_zone": self.user.time_zone or ""}


def standing(front: Front, person: Person) -> Standing:
    """Return what holds for whom a link is for. Raises UnknownUser for one who was erased since."""
    user_id = front.persons.user_of(person)
    user, lately, settings = front.engine.user(user_id), front.recent(user_id), front.engine.settings
    usual = settings.quiet_hours
    return Standing(
        user,
        _channels(user, lately.channels, settings),
        _categories(user, lately.categories, settings),
        lately.pushes[:PUSHES_MAX],
        None if front.complaints is None else front.complaints.of_user(user_id),
        Clock(user.time_zone or settings.users.time_zone, is_own=user.time_zone is not None),
        None if usual is None else (f"{usual.start:%H:%M}", f"{usual.end:%H:%M}"),
        settings.users.time_zone,
    )


def _channels(user: UserView, logged: Iterable[str], settings: Settings) -> tuple[Choice, ...]:
    otherwise = settings.consent.default == _ALLOW
    names = _names(logged, settings.channels, user.consent)
    return tuple(Choice(name, user.consent.get(name, otherwise)) for name in names)


def _categories(user: UserView, logged: Iterable[str], settings: Settings) -> tuple[Choice, ...]:
    def choice(name: str) -> Choice:
        special = settings.categories.get(name)
        return Choice(name, user.categories.get(name, True), special is not None and special.transactional)

    return tuple(map(choice, _names(logged, settings.categories, user.categories)))


def _names(logged: Iterable[str], configured: Mapping[str, Any], told: Mapping[str, bool]) -> list[str]:
    return list(dict.fromkeys((*configured, *logged, *told)))
