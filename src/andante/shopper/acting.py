"""Acting: what a shopper says on their page. It holds when they are answered: each call returns after its commit."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from andante.service.tokens import person_of
from andante.shopper import forms
from andante.shopper.clocks import zones
from andante.shopper.doors import Shopper, show
from andante.shopper.forms import Refused
from andante.shopper.reasons import why
from andante.shopper.standing import Standing, standing
from andante.site.pages import go
from andante.vocabulary.fault import InputFault
from andante.vocabulary.message import OutcomeType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response

    from andante.service.tokens import Person
    from andante.shopper.front import Front

PAUSE = timedelta(days=7)
NEWER = "newer"
"""What is said where a word with a later time stands already, which this one does not override."""

Wanted = dict[str, Any]
_PLACES = {"resume": "pause"}  # where on the page the answer to an action stands, where it has another name


async def look(front: Front, who: Shopper) -> Response:
    """Show a shopper their page. It changes nothing."""
    return await _page(front, who, said=who.seen.asked("said"))


async def back(front: Front, who: Shopper) -> Response:
    """Go back to the page from where a form was sent."""
    await front.run(front.persons.user_of, who.person)
    return go(who.here)


async def set_frequency(front: Front, who: Shopper) -> Response:
    """Take down how often."""
    return await _wish(front, who, "frequency", lambda _: forms.frequency(who.seen.form))


async def set_hours(front: Front, who: Shopper) -> Response:
    """Take down when not."""
    return await _wish(front, who, "hours", lambda _: forms.hours(who.seen.form))


async def set_choices(front: Front, who: Shopper) -> Response:
    """Take down on which channels, about what, and whether by what they do."""
    return await _wish(front, who, "choices", lambda now: forms.choices(who.seen.fields, now))


async def pause(front: Front, who: Shopper) -> Response:
    """Let nothing out for a week."""
    return await _wish(front, who, "pause", lambda _: {"paused_until": front.now() + PAUSE})


async def resume(front: Front, who: Shopper) -> Response:
    """End a pause."""
    return await _wish(front, who, "resume", lambda _: {"paused_until": None})


async def not_interested(front: Front, who: Shopper) -> Response:
    """Learn that a push was not wanted. The form is bound to the push, and the push to the shopper."""
    await front.run(_observe, front, who.person, who.seen.form.get("decision", ""))
    front.serving.news()
    return go(f"{who.here}?said=push#pushes")


async def complain(front: Front, who: Shopper) -> Response:
    """Take down a complaint."""
    try:
        text, contact = forms.complaint(who.seen.form)
        await front.run(_open, front, who.person, text, contact)
    except Refused as refused:
        return await _page(front, who, wrong=refused.wrong)
    except InputFault:  # too many that wait
        return await _page(front, who, wrong=(forms.Wrong("text", "waiting"),))
    return go(f"{who.here}?said=complaint#complaints")


async def _wish(front: Front, who: Shopper, action: str, wanted: Callable[[Standing], Wanted]) -> Response:
    try:
        holds = await front.run(_set, front, who.person, wanted)
    except Refused as refused:
        return await _page(front, who, wrong=refused.wrong)
    front.serving.news()
    return go(f"{who.here}?said={action if all(holds.values()) else NEWER}#{_PLACES.get(action, action)}")


async def _page(front: Front, who: Shopper, *, said: str = "", wrong: tuple[forms.Wrong, ...] = ()) -> Response:
    now = await front.run(standing, front, who.person)
    filled = dict(who.seen.form) if wrong else {}
    dial, hours = ({**form, **filled} if form.keys() & filled.keys() else form for form in (now.dial, now.hours))
    return show(
        front,
        who,
        "preferences.html",
        status=422 if wrong else 200,
        now=now,
        said=said,
        wrong=wrong,
        dial=dial,
        hours=hours,
        filled=filled,
        limits=forms,
        zones=zones(),
        why=partial(why, who.seen.words, profiling=now.user.profiling),
    )


def _set(front: Front, person: Person, wanted: Callable[[Standing], Wanted]) -> Mapping[str, bool]:
    with front.persons.held(person) as user_id:
        asked = wanted(standing(front, person))
        return front.engine.set_preferences(user_id, asked) if asked else {}


def _observe(front: Front, person: Person, decision_id: str) -> None:
    with front.persons.held(person):
        if person_of(decision_id) == person:
            front.engine.observe([{"decision_id": decision_id, "type": OutcomeType.NOT_INTERESTED.value}])


def _open(front: Front, person: Person, text: str, contact: str | None) -> None:
    with front.persons.held(person) as user_id:
        if front.complaints is not None:
            front.complaints.open(user_id, text, contact)
