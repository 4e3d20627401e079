"""A launch: a campaign is decided for everybody in its audience, once, a chunk at a time.

Users are met in the order of the engine's rows. Before a chunk is asked, the books say which rows it looks at, its
number and where the log ended; its candidates are named ``CAMPAIGN.CHUNK.PLACE``. A chunk is one commit of the log,
all of it or nothing. So after a crash one look at the log, from there on, tells whether the chunk that was begun had
been decided: then it is counted and passed over, else it is asked. Nobody is decided about twice, and no list of users
is kept.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from andante.live.audience import Chosen, Found, Reach
from andante.operators.audit import reason
from andante.operators.campaigns import KILL_SWITCH, NEEDS_APPROVAL
from andante.vocabulary.fault import InputFault
from andante.vocabulary.reason import Action, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from andante.live.answers_columns import DecisionColumns
    from andante.live.engine import Engine
    from andante.operators.books import Books
    from andante.operators.campaign import Campaign, Filed, Progress

ENGINE = "andante"
"""Who is taken down where nobody did it: a launch that went through, or was held."""

DAYS = 7
"""How far ahead a dry run looks to say how many users a campaign reaches."""


class Stop(Protocol):
    """Says whether to stop: a ``threading.Event`` is one."""

    def is_set(self) -> bool:
        """Tell whether to stop."""
        ...


@dataclass(frozen=True, slots=True)
class Size:
    """How large a campaign is."""

    audience: int  # users who are asked
    reached: int  # of them, in a week, as far as a dry run can tell: never too few by its audience


class Launch:
    """Launches the campaigns of books. Its calls block; ``heard`` is called after each chunk, in the same thread."""

    def __init__(self, engine: Engine, books: Books, heard: Callable[[], None] = lambda: None) -> None:
        """Store who decides, and where it is written down."""
        self._engine, self._books, self._heard = engine, books, heard
        self._reach = Reach.of(engine)

    def size(self, campaign: Campaign) -> Size:
        """Ask a dry run how many users a campaign reaches, of those in its audience.

        A dry run asks everybody who was ever met, so its reach bounds that of an audience, as does the audience's own
        number. Raises InputFault for a candidate that no request could have.
        """
        audience = self._reach.size(_chosen(campaign))
        candidate = campaign.candidate("dry-run", "dry-run")
        run = self._engine.inspection.dry_run(candidate, days=DAYS)
        scaled = run.reached if run.users == run.of else -(-run.reached * run.of // max(run.users, 1))
        return Size(audience, min(audience, scaled))

    def submit(self, who: str, campaign_id: str) -> Filed:
        """Submit a campaign with the reach that a dry run finds. Raises what ``Campaigns.submit`` raises."""
        return self._books.campaigns.submit(
            who, campaign_id, self.size(self._books.campaigns.of(campaign_id).campaign).reached
        )

    def run(self, campaign_id: str, stop: Stop | None = None) -> Progress:
        """Decide a running campaign until all are asked, it is stopped, or something holds it; return how far it came.

        It goes on where it ended, after a crash too. ``stop`` ends this call alone: the campaign goes on running, and
        the next call goes on with it. A kill switch, and reaching more users than one person may reach, stop the
        campaign. Raises Conflict where it is being launched already, and what the engine raises.
        """
        with self._books.launching(campaign_id):
            self._take_up(campaign_id)
            while not (stop is not None and stop.is_set()) and self._goes_on(campaign_id):
                pass
            return self._books.campaigns.progress(campaign_id)

    def run_all(self, stop: Stop | None = None) -> int:
        """Run every campaign that is running, one after another, the oldest first; return how many there were."""
        waiting = [filed.campaign_id for filed in reversed(self._books.campaigns.listed("running"))]
        for campaign_id in waiting:
            self.run(campaign_id, stop)
        return len(waiting)

    def _goes_on(self, campaign_id: str) -> bool:
        """Ask about the next chunk; return False where there is none, and the campaign has ended."""
        campaigns = self._books.campaigns
        filed, progress = campaigns.of(campaign_id), campaigns.progress(campaign_id)
        if filed.state != "running":
            return False
        if progress.of is None:
            progress = msgspec.structs.replace(progress, of=self._reach.rows())
        try:
            held = self._held(filed, progress)
            if held is None and self._chunk(filed, progress):
                return True
        except InputFault as fault:  # the engine takes no such candidate, and would take none later
            held = reason(fault)
        campaigns.end(ENGINE, campaign_id, held)
        return False

    def _held(self, filed: Filed, progress: Progress) -> str | None:
        """Return what keeps a campaign from going on: the kill switch, or that one person may reach no more users."""
        campaign = filed.campaign
        if self._reach.is_stopped(campaign.channel, campaign.category, filed.campaign_id):
            return KILL_SWITCH
        return None if self._room(filed, progress) > 0 else NEEDS_APPROVAL

    def _room(self, filed: Filed, progress: Progress) -> int:
        """Return how many users may be asked in the next chunk: without a second person, no more than it may reach."""
        most = self._books.settings.launch_chunk
        if filed.approved_by is not None:
            return most
        left = self._books.campaigns.approval_above - progress.sent - progress.deferred
        return min(most, left) if self._is_more(filed, progress) else most

    def _is_more(self, filed: Filed, progress: Progress) -> bool:
        """Tell whether anybody is left to ask: who is done needs no approval."""
        return bool(self._reach.page(_chosen(filed.campaign), progress.rows, progress.of or 0, 1).user_ids)

    def _chunk(self, filed: Filed, progress: Progress) -> bool:
        """Ask about the next users; return False where there are none, or the campaign was stopped meanwhile."""
        campaigns, campaign = self._books.campaigns, filed.campaign
        page = self._reach.page(_chosen(campaign), progress.rows, progress.of or 0, self._room(filed, progress))
        if not page.user_ids:
            campaigns.end_chunk(filed.campaign_id, msgspec.structs.replace(progress, rows=page.upto))
            return False
        begun = msgspec.structs.replace(
            progress, chunk=progress.chunk + 1, until=page.upto, position=self._engine.position
        )
        if not campaigns.begin_chunk(filed.campaign_id, begun):
            return True  # the state says why, at the next look
        begins = _begins(filed.campaign_id, begun.chunk)
        ids = [f"{begins}{place}" for place in range(len(page.user_ids))]
        columns: dict[str, Any] = campaign.candidate("", filed.campaign_id)
        decided = self._engine.decide_columns({**columns, "candidate_id": ids, "user_id": page.user_ids})
        campaigns.end_chunk(filed.campaign_id, _counted(begun, _found(decided)))
        self._heard()
        return True

    def _take_up(self, campaign_id: str) -> None:
        """Close a chunk that was begun by who is gone: it was decided, and the log says how, or it was not."""
        progress = self._books.campaigns.progress(campaign_id)
        if progress.until is None:
            return
        found = self._reach.decided(progress.position, _begins(campaign_id, progress.chunk))
        if found is None:  # nobody can know, so they are passed over rather than asked twice
            closed = _counted(progress, Found(0, Counter(), Counter()))
        elif found.asked:
            closed = _counted(progress, found)
        else:
            closed = msgspec.structs.replace(progress, until=None)
        self._books.campaigns.end_chunk(campaign_id, closed)


def _begins(campaign_id: str, chunk: int) -> str:
    return f"{campaign_id}.{chunk}."


def _chosen(campaign: Campaign) -> Chosen:
    audience = campaign.audience
    named = None if audience.user_ids is None else frozenset(audience.user_ids)
    return Chosen(campaign.channel, audience.member, audience.persona, named)


def _found(decided: DecisionColumns) -> Found:
    held = decided.reason[decided.action != Action.SEND].tolist()
    return Found(
        len(decided),
        Counter(Action(code).name.lower() for code in decided.action.tolist()),
        Counter(Reason(code).name.lower() for code in held),
    )


def _counted(progress: Progress, found: Found) -> Progress:
    """Return the progress after a chunk that was decided so."""
    return msgspec.structs.replace(
        progress,
        rows=progress.rows if progress.until is None else progress.until,
        until=None,
        asked=progress.asked + found.asked,
        sent=progress.sent + found.actions["send"],
        deferred=progress.deferred + found.actions["defer"],
        suppressed=progress.suppressed + found.actions["suppress"],
        reasons=dict(Counter(progress.reasons) + found.reasons),
    )
