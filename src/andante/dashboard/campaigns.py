"""The pages of campaigns: writing one, trying it on everybody, having it approved, and watching it go out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import JSONResponse

from andante.dashboard.campaigns_form import form_of, given_of
from andante.dashboard.console import who_of
from andante.dashboard.decisions import Because, figure, user_path
from andante.dashboard.doors import door, show
from andante.operators.audit import named
from andante.operators.campaign import checked
from andante.operators.launch import DAYS, Launch
from andante.service.problem import Problem
from andante.site.pages import go
from andante.site.rendering import environment
from andante.vocabulary.fault import Fault, InputFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from andante.dashboard.console import Console
    from andante.live.dry_run import DryRun
    from andante.operators.campaign import Campaign, Filed, Progress
    from andante.operators.launch import Size
    from andante.site.pages import Visit
    from andante.site.words import Words

LIST = "/dashboard/campaigns"
SPAN_S = timedelta(days=28).total_seconds()
"""Over how long the results of campaigns are shown."""

DEEDS = {
    "draft": ("submit",),
    "awaiting_approval": ("approve", "reject"),
    "approved": ("start", "reject"),
    "running": ("stop",),
    "stopped": ("submit",),
    "done": (),
}
"""What may be done with a campaign in each state."""

EDITABLE = frozenset({"draft", "awaiting_approval", "approved"})


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of the pages of campaigns."""
    return [
        door(console, "GET", "campaigns", look),
        door(console, "GET", "campaigns/new", begin),
        door(console, "POST", "campaigns/new", create),
        door(console, "GET", "campaigns/{campaign_id}", look_at),
        door(console, "GET", "campaigns/{campaign_id}/progress.json", follow),
        door(console, "GET", "campaigns/{campaign_id}/edit", change),
        door(console, "POST", "campaigns/{campaign_id}/edit", edit),
        door(console, "POST", "campaigns/{campaign_id}/{deed}", act),
    ]


async def look(console: Console, seen: Visit) -> Response:
    """List campaigns with what came of them."""
    filed = await console.run(console.books.campaigns.listed)
    results = await console.run(console.watch.campaigns, SPAN_S)
    by_id = {one.campaign_id: one for one in results}
    known = {one.campaign_id for one in filed}
    return show(
        console,
        seen,
        "campaigns.html",
        filed=filed,
        results=by_id,
        others=[one for one in results if one.campaign_id not in known],
        weeks=round(SPAN_S / 604_800),
        figure=figure,
    )


async def begin(console: Console, seen: Visit) -> Response:
    """Ask for a new campaign, or for a copy of one."""
    copied = seen.asked("copy")
    campaign = (await console.run(console.books.campaigns.of, copied)).campaign if copied else None
    return _form(console, seen, form_of(campaign), f"{LIST}/new")


async def create(console: Console, seen: Visit) -> Response:
    """Write a new campaign."""
    try:
        made = await console.run(_created, console, who_of(seen.who), seen.form)
    except InputFault as fault:
        return _form(console, seen, dict(seen.form), f"{LIST}/new", fault)
    return go(f"{LIST}/{made.campaign_id}?dry=1")


async def change(console: Console, seen: Visit) -> Response:
    """Ask what is to be different about a campaign."""
    filed = await console.run(console.books.campaigns.of, seen.path["campaign_id"])
    return _form(console, seen, form_of(filed.campaign), f"{LIST}/{filed.campaign_id}/edit", filed=filed)


async def edit(console: Console, seen: Visit) -> Response:
    """Write a campaign anew."""
    campaign_id = seen.path["campaign_id"]
    filed = await console.run(console.books.campaigns.of, campaign_id)
    try:
        await console.run(_edited, console, who_of(seen.who), campaign_id, seen.form)
    except InputFault as fault:
        return _form(console, seen, dict(seen.form), f"{LIST}/{campaign_id}/edit", fault, filed)
    return go(f"{LIST}/{campaign_id}?dry=1")


async def look_at(console: Console, seen: Visit) -> Response:
    """Show one campaign: what it is, whom it would reach, what may be done, and how far it has come."""
    filed = await console.run(console.books.campaigns.of, seen.path["campaign_id"])
    progress = await console.run(console.books.campaigns.progress, filed.campaign_id)
    results = await console.run(console.watch.campaigns, SPAN_S)
    tried = await console.run(_tried, console, filed.campaign) if seen.asked("dry") else None
    return show(
        console,
        seen,
        "campaign.html",
        f=filed,
        x=filed.campaign,
        progress=progress,
        told=_told(progress, filed, seen.words),
        reasons=_reasons(progress.reasons, seen.words),
        result=next((one for one in results if one.campaign_id == filed.campaign_id), None),
        deeds=DEEDS[filed.state],
        editable=filed.state in EDITABLE and filed.started_by is None,
        hindrance=hindrance(filed, seen.who),
        dry=tried,
        dry_reasons=[] if tried is None else _not_reached(tried.run, seen.words),
        above=console.books.campaigns.approval_above,
        because=Because(seen.words),
        path_of=user_path,
        figure=figure,
    )


async def follow(console: Console, seen: Visit) -> Response:
    """Answer the page of a running campaign with how far it has come."""
    filed = await console.run(console.books.campaigns.of, seen.path["campaign_id"])
    progress = await console.run(console.books.campaigns.progress, filed.campaign_id)
    words = seen.words
    module: Any = environment("andante.dashboard").get_template("campaigns-parts.html").make_module({"w": words})
    html = {
        "bar": str(module.bar(progress)),
        "reasons": str(module.reasons(_reasons(progress.reasons, words))),
    }
    texts = _told(progress, filed, words)
    return JSONResponse({"texts": texts, "html": html}, headers={"cache-control": "no-store"})


async def act(console: Console, seen: Visit) -> Response:
    """Submit, approve, reject, start or stop a campaign."""
    campaign_id, deed = seen.path["campaign_id"], seen.path["deed"]
    deeds = {"submit": _submit, "approve": _approve, "reject": _reject, "start": _start, "stop": _stop}
    if deed not in deeds:
        raise Problem(404, "there is nothing like that to do with a campaign")
    await console.run(deeds[deed], console, who_of(seen.who), campaign_id, seen.form.get("why", "").strip())
    return go(f"{LIST}/{campaign_id}")


def hindrance(filed: Filed, who: str | None) -> str | None:
    """Return why somebody may not approve a campaign: submitted, edited, or anonymous; None where they may."""
    if who is None:
        return "anonymous"
    for deed, other in (("submitted", filed.submitted_by), ("edited", filed.edited_by)):
        if other is not None and named(who).casefold() == other.casefold():
            return deed
    return None


def _submit(console: Console, who: str, campaign_id: str, _why: str) -> None:
    Launch(console.engine, console.books).submit(who, campaign_id)


def _approve(console: Console, who: str, campaign_id: str, _why: str) -> None:
    console.books.campaigns.approve(who, campaign_id)


def _reject(console: Console, who: str, campaign_id: str, why: str) -> None:
    if not why:
        raise InputFault("the reason", None, "is missing", "say why it is sent back, so that it can be mended")
    console.books.campaigns.reject(who, campaign_id, why)


def _start(console: Console, who: str, campaign_id: str, _why: str) -> None:
    """Start a launch; what it says is there before its first push."""
    filed = console.books.campaigns.of(campaign_id)
    if filed.campaign.message and filed.state == "approved":
        console.outbox.messages.put("campaign", campaign_id, filed.campaign.message, console.now_us())
    console.books.campaigns.start(who, campaign_id)


def _stop(console: Console, who: str, campaign_id: str, why: str) -> None:
    console.books.campaigns.stop(who, campaign_id, why)


def _created(console: Console, who: str, form: Mapping[str, str]) -> Filed:
    given = given_of(form)
    _refuse_unaskable(console, checked(given))
    return console.books.campaigns.create(who, given)


def _edited(console: Console, who: str, campaign_id: str, form: Mapping[str, str]) -> Filed:
    given = given_of(form)
    _refuse_unaskable(console, checked(given))
    return console.books.campaigns.edit(who, campaign_id, given)


def _refuse_unaskable(console: Console, campaign: Campaign) -> None:
    """Raise InputFault for a campaign whose candidate the engine would not take, before anybody relies on it."""
    console.engine.inspection.dry_run(campaign.candidate("dry-run", "dry-run"), days=0, most=1)


class Tried(NamedTuple):
    """What a campaign would do."""

    run: DryRun
    size: Size


def _tried(console: Console, campaign: Campaign) -> Tried:
    run = console.engine.inspection.dry_run(campaign.candidate("dry-run", "dry-run"), days=DAYS)
    return Tried(run, Launch(console.engine, console.books).size(campaign))


class Reason(NamedTuple):
    """Why some users get nothing."""

    said: str
    users: int
    share: float
    examples: tuple[str, ...]


def _not_reached(run: DryRun, words: Words) -> list[Reason]:
    because = Because(words)
    return [
        Reason(because.reason(code), users, users / max(run.users, 1), run.samples.get(code, ()))
        for code, users in run.not_reached.items()
    ]


def _reasons(counted: Mapping[str, int], words: Words) -> list[Reason]:
    total, because = max(sum(counted.values()), 1), Because(words)
    ordered = sorted(counted.items(), key=lambda pair: -pair[1])
    return [Reason(because.reason(code), users, users / total, ()) for code, users in ordered]


def _told(progress: Progress, filed: Filed, words: Words) -> dict[str, str]:
    """Return the figures of a launch, as its page shows them."""
    told = {name: words.integer(getattr(progress, name)) for name in ("asked", "sent", "deferred", "suppressed")}
    return told | {"share": words.percent(progress.share), "state": words.text(f"campaign_state.{filed.state}")}


def _form(  # noqa: PLR0913, PLR0917  what a form shows
    console: Console,
    seen: Visit,
    fields: Mapping[str, str],
    target: str,
    fault: Fault | None = None,
    filed: Filed | None = None,
) -> Response:
    from andante.live.survey import PERSONAS  # noqa: PLC0415  NumPy, for four words

    status = 200 if fault is None else 422
    given = {"x": fields, "target": target, "fault": fault, "filed": filed, "personas": PERSONAS}
    return show(console, seen, "campaign-form.html", status=status, **given)
