"""Campaigns: their way from a draft to its launch, which two people take together where it is large.

::

    draft ── submit ──▶ awaiting_approval ── approve ──▶ approved ── start ──▶ running ──▶ done
      ▲   (small: straight to approved)                                           │
      ├──── edit (any state before running), reject ────┘                      stop, hold
                                                                                  ▼
                        awaiting_approval or approved ◀────── submit ─────────  stopped

Who submitted or last edited a campaign never approves it; an edit voids what was approved. A launch that was stopped
goes on where it stopped, after it was submitted anew.
"""

from __future__ import annotations

import secrets
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from andante.operators.audit import named
from andante.operators.campaign import Campaign, Filed, Progress, checked
from andante.vocabulary.fault import Conflict, InputFault

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from andante.operators.audit import Audit
    from andante.operators.campaign import State
    from andante.operators.database import Database
    from andante.settings.sections.operators import OperatorSettings

KILL_SWITCH, NEEDS_APPROVAL = "kill_switch", "needs_approval"
"""Why a launch was held by the engine's own rules, and by those of the books."""

WHY_MAX = 500
_TOKEN_BYTES = 3

_READ = "SELECT body FROM campaigns WHERE campaign_id = ?"
_LISTED = "SELECT body FROM campaigns WHERE ?1 IS NULL OR state = ?1 ORDER BY number DESC LIMIT ?2"
_NEXT = "SELECT coalesce(max(number), 0) + 1 FROM campaigns"
_INSERT = "INSERT INTO campaigns (number, campaign_id, body) VALUES (?, ?, ?)"
_WRITE = "UPDATE campaigns SET body = ? WHERE campaign_id = ?"
_LAUNCH = "SELECT body, launch FROM campaigns WHERE campaign_id = ?"
_GO_ON = "UPDATE campaigns SET launch = ? WHERE campaign_id = ?"
_NAMES_USER = "FROM json_each(body, '$.campaign.audience.user_ids') WHERE value = ?"
_OF_USER = f"SELECT body FROM campaigns WHERE EXISTS (SELECT 1 {_NAMES_USER})"

_FILED, _PROGRESS = msgspec.json.Decoder(Filed), msgspec.json.Decoder(Progress)
_UNDECIDED: dict[str, Any] = dict.fromkeys(
    ("submitted_by", "submitted_at", "reach", "approved_by", "approved_at", "rejected_by", "rejected_for")
)


class Campaigns:
    """The campaigns of the books."""

    def __init__(self, database: Database, audit: Audit, now_us: Callable[[], int], settings: OperatorSettings) -> None:
        """Store where they are kept."""
        self._database, self._audit, self._now_us = database, audit, now_us
        self.approval_above = settings.approval_above

    def create(self, who: str, campaign: Campaign | Mapping[str, Any]) -> Filed:
        """Write a draft. Raises InputFault, which names the field that does not hold."""
        with self._audit.act(who, "campaign.create", "campaign") as act:
            given = checked(campaign if isinstance(campaign, Campaign) else dict(campaign))
            (number,) = act.connection.execute(_NEXT).fetchone()
            campaign_id = f"campaign-{number}-{secrets.token_hex(_TOKEN_BYTES)}"  # books begun anew name none twice
            who, at = named(who), self._at()
            filed = Filed(
                campaign_id=campaign_id,
                state="draft",
                campaign=given,
                created_by=who,
                created_at=at,
                edited_by=who,
                edited_at=at,
            )
            act.connection.execute(_INSERT, (number, campaign_id, _text(filed)))
            act.subject, act.detail = campaign_id, _told(given)
        return filed

    def edit(self, who: str, campaign_id: str, campaign: Campaign | Mapping[str, Any]) -> Filed:
        """Write it anew; it is a draft again, and whatever was approved is void. Not once it was started."""
        with self._audit.act(who, "campaign.edit", campaign_id) as act:
            filed = _read(act.connection, campaign_id)
            _only(filed, "draft", "awaiting_approval", "approved", action="copy it into a new one")
            if filed.started_by is not None:
                raise InputFault("campaign", campaign_id, "was launched in part", "copy it into a new one")
            given = checked(campaign if isinstance(campaign, Campaign) else dict(campaign))
            act.detail = _told(given)
            now: dict[str, Any] = {"edited_by": named(who), "edited_at": self._at(), "campaign": given}
            return _put(act.connection, filed, state="draft", is_large=False, **_UNDECIDED, **now)

    def submit(self, who: str, campaign_id: str, reach: int) -> Filed:
        """Say that it is ready. ``reach`` is what a dry run found: where it is large, another person has to approve."""
        with self._audit.act(who, "campaign.submit", campaign_id, {"reach": reach}) as act:
            filed = _read(act.connection, campaign_id)
            _only(filed, "draft", "stopped", action="edit it first")
            if isinstance(reach, bool) or not isinstance(reach, int) or reach < 0:
                raise InputFault("reach", reach, "is no number of users", "ask a dry run")
            is_large = reach > self.approval_above or filed.ended_for == NEEDS_APPROVAL
            now: dict[str, Any] = {"submitted_by": named(who), "submitted_at": self._at(), "reach": reach}
            state: State = "awaiting_approval" if is_large else "approved"
            return _put(act.connection, filed, **{**_UNDECIDED, **now}, state=state, is_large=is_large)

    def approve(self, who: str, campaign_id: str) -> Filed:
        """Agree to it, as a second person. Raises InputFault for who submitted or last edited it."""
        with self._audit.act(who, "campaign.approve", campaign_id) as act:
            filed = _read(act.connection, campaign_id)
            _only(filed, "awaiting_approval", action="submit it first")
            for deed, other in (("submitted", filed.submitted_by), ("last edited", filed.edited_by)):
                if other is None or _same(who, other):
                    raise InputFault("campaign", campaign_id, f"was {deed} by you", "let another person approve it")
            act.detail = {"reach": filed.reach}
            return _put(act.connection, filed, state="approved", approved_by=named(who), approved_at=self._at())

    def reject(self, who: str, campaign_id: str, why: str) -> Filed:
        """Send it back, with a reason. Anybody may, who submitted it too. One that was launched in part stays so."""
        why = _words(why)
        with self._audit.act(who, "campaign.reject", campaign_id, {"why": why}) as act:
            filed = _read(act.connection, campaign_id)
            _only(filed, "awaiting_approval", "approved", action="only what was submitted can be rejected")
            state: State = "draft" if filed.started_by is None else "stopped"
            now: dict[str, Any] = {"rejected_by": named(who), "rejected_for": why}
            return _put(act.connection, filed, **{**_UNDECIDED, **now}, state=state)

    def start(self, who: str, campaign_id: str) -> Filed:
        """Let it be launched: :class:`~andante.operators.launch.Launch` does. Raises InputFault unless approved."""
        with self._audit.act(who, "campaign.start", campaign_id) as act:
            filed = _read(act.connection, campaign_id)
            _only(filed, "approved", action="let it be submitted, and approved where it is large")
            if filed.is_large and filed.approved_by is None:
                raise InputFault("campaign", campaign_id, "was approved by nobody", "let another person approve it")
            act.detail = {"reach": filed.reach, "approved_by": filed.approved_by}
            now: dict[str, Any] = {"started_by": named(who), "started_at": self._at()}
            over = dict.fromkeys(("ended_by", "ended_at", "ended_for"))
            return _put(act.connection, filed, state="running", **now, **over)

    def stop(self, who: str, campaign_id: str, why: str = "") -> Filed:
        """Stop it: what is being decided at this moment, a chunk at most, is the last."""
        why = _words(why)
        with self._audit.act(who, "campaign.stop", campaign_id, {"why": why}) as act:
            filed = _read(act.connection, campaign_id)
            _only(filed, "running", action="only a running launch can be stopped")
            return self._end(act.connection, filed, "stopped", by=named(who), ended_for=why)

    def of(self, campaign_id: str) -> Filed:
        """Return a campaign. Raises InputFault for none."""
        rows = self._database.rows(_READ, (campaign_id,))
        return _FILED.decode(rows[0][0]) if rows else _unknown(campaign_id)

    def listed(self, state: State | None = None, limit: int = 200) -> list[Filed]:
        """Return campaigns, the latest first: of one state, or all."""
        return [_FILED.decode(body) for (body,) in self._database.rows(_LISTED, (state, limit))]

    def progress(self, campaign_id: str) -> Progress:
        """Return how far its launch has come. Raises InputFault for no campaign."""
        rows = self._database.rows(_LAUNCH, (campaign_id,))
        return _progress(rows[0][1]) if rows else _unknown(campaign_id)

    def begin_chunk(self, campaign_id: str, progress: Progress) -> bool:
        """Write down that a chunk is begun, durably; return False where the campaign runs no more. For a launch."""
        with self._database.transaction() as connection:
            if _read(connection, campaign_id).state != "running":
                return False
            connection.execute(_GO_ON, (_text(progress), campaign_id))
            return True

    def end_chunk(self, campaign_id: str, progress: Progress) -> None:
        """Write down what came of a chunk. For a launch."""
        with self._database.transaction() as connection:
            connection.execute(_GO_ON, (_text(msgspec.structs.replace(progress, at=self._at())), campaign_id))

    def end(self, who: str, campaign_id: str, held_for: str | None = None) -> Filed:
        """Write down that a launch went through, or what held it, unless somebody stopped it before. For a launch."""
        action = "campaign.done" if held_for is None else "campaign.held"
        if self.of(campaign_id).state != "running":
            return self.of(campaign_id)
        with self._audit.act(who, action, campaign_id, {"held_for": held_for} if held_for else {}) as act:
            filed, progress = _both(act.connection, campaign_id)
            act.detail = {name: getattr(progress, name) for name in ("asked", "sent", "deferred", "suppressed")}
            state: State = "done" if held_for is None else "stopped"
            return self._end(act.connection, filed, state, by=None, ended_for=held_for)

    def forget(self, connection: sqlite3.Connection, user_id: str) -> int:
        """Take a user out of every audience, within the caller's transaction; return from how many."""
        bodies = [body for (body,) in connection.execute(_OF_USER, (user_id,))]
        for filed in map(_FILED.decode, bodies):
            audience = filed.campaign.audience
            left = tuple(one for one in audience.user_ids or () if one != user_id)  # empty is nobody, and stays so
            kept = msgspec.structs.replace(filed.campaign, audience=msgspec.structs.replace(audience, user_ids=left))
            _put(connection, filed, campaign=kept)
        return len(bodies)

    def _end(
        self, connection: sqlite3.Connection, filed: Filed, state: State, *, by: str | None, ended_for: str | None
    ) -> Filed:
        return _put(connection, filed, state=state, ended_by=by, ended_at=self._at(), ended_for=ended_for)

    def _at(self) -> datetime:
        return datetime.fromtimestamp(self._now_us() / 1_000_000, UTC)


def _read(connection: sqlite3.Connection, campaign_id: str) -> Filed:
    return _both(connection, campaign_id)[0]


def _both(connection: sqlite3.Connection, campaign_id: str) -> tuple[Filed, Progress]:
    row = connection.execute(_LAUNCH, (campaign_id,)).fetchone()
    return (_FILED.decode(row[0]), _progress(row[1])) if row else _unknown(campaign_id)


def _unknown(campaign_id: str) -> Any:
    raise InputFault("campaign", campaign_id, "is in no book", "look at the list of campaigns")


def _progress(text: str | None) -> Progress:
    return Progress() if text is None else _PROGRESS.decode(text)


def _put(connection: sqlite3.Connection, filed: Filed, **changes: Any) -> Filed:
    changed = msgspec.structs.replace(filed, **changes)
    connection.execute(_WRITE, (_text(changed), filed.campaign_id))
    return changed


def _text(record: Filed | Progress) -> str:
    return msgspec.json.encode(record).decode()


def _only(filed: Filed, *states: State, action: str) -> None:
    """Raise Conflict where a campaign is in none of these states."""
    if filed.state not in states:
        raise Conflict("campaign", filed.campaign_id, f"is {filed.state.replace('_', ' ')}", action)


def _words(why: str) -> str:
    """Return a person's reason as it is kept: on one line, and not too long."""
    return " ".join(why.encode("utf-8", "replace").decode().split())[:WHY_MAX]


def _same(one: str, other: str) -> bool:
    """Tell whether two names are of one person: case, spaces and width aside."""
    plain = (unicodedata.normalize("NFKC", " ".join(name.split())).casefold() for name in (one, other))
    return len(set(plain)) == 1


def _told(campaign: Campaign) -> dict[str, Any]:
    """Return what the audit says of a campaign: no user's id."""
    said: dict[str, Any] = msgspec.to_builtins(campaign)
    said.pop("message", None)
    audience = said.get("audience", {})
    if "user_ids" in audience:
        audience["user_ids"] = len(audience["user_ids"])
    return said
