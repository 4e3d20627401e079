"""The audit page: who did what and when, whether the chain of it holds, and all of it as a table to take away."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import StreamingResponse

from andante.dashboard.console import who_of
from andante.dashboard.doors import door, show
from andante.operators.chain import read_head
from andante.site.pages import go
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from andante.dashboard.console import Console
    from andante.operators.audit import Audit, Entry
    from andante.operators.chain import Broken, Head
    from andante.site.pages import Visit
    from andante.site.words import Words

PAGE = 100
ACTIONS = (
    "sign_in",
    "sign_out",
    "switch",
    "rules.apply",
    "campaign.create",
    "campaign.edit",
    "campaign.submit",
    "campaign.approve",
    "campaign.reject",
    "campaign.start",
    "campaign.stop",
    "campaign.done",
    "campaign.held",
    "complaint.answer",
    "complaint.close",
    "plan.publish",
    "message.put",
    "letter.retry",
    "user.erase",
    "demo.speed",
)
"""What can be filtered by at once; any other action can be written into the URL."""

HEADER = ("number", "at", "who", "action", "subject", "detail", "refused", "previous", "hash")
_AT_ONCE = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Row(NamedTuple):
    """An entry, as the page shows it."""

    entry: Entry
    action: str
    detail: str


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of the audit."""
    return [
        door(console, "GET", "audit", look),
        door(console, "GET", "audit.csv", download),
        door(console, "GET", "audit/verify", back),
        door(console, "POST", "audit/verify", verify),
    ]


async def look(console: Console, seen: Visit) -> Response:
    """List entries, the latest first."""
    return await _listed(console, seen)


async def verify(console: Console, seen: Visit) -> Response:
    """Say whether the chain holds, also against a head that was kept elsewhere."""
    given = seen.form.get("head", "").strip()
    expected = read_head(given) if given else None
    broken, head = await console.run(_verified, console.books.audit, expected)
    return await _listed(console, seen, verdict=Verdict(broken, head, expected is not None))


async def back(_console: Console, _seen: Visit) -> Response:
    """Lead whoever comes back to a verdict to the page itself."""
    return go("/dashboard/audit")


async def download(console: Console, seen: Visit) -> Response:
    """Send every entry as CSV, the oldest last."""
    who_of(seen.who)
    action = seen.asked("action") or None
    lines = await console.run(lambda: list(_csv(console.books.audit, action)))
    headers = {
        "content-disposition": 'attachment; filename="andante-audit.csv"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return StreamingResponse(iter(lines), media_type="text/csv; charset=utf-8", headers=headers)


class Verdict(NamedTuple):
    """What came of verifying."""

    broken: Broken | None
    head: Head
    against_kept: bool


async def _listed(console: Console, seen: Visit, verdict: Verdict | None = None) -> Response:
    action, before = seen.asked("action"), _number(seen.asked("before"))
    entries = await console.run(console.books.audit.entries, before, PAGE + 1, action or None)
    return show(
        console,
        seen,
        "audit.html",
        rows=[_row(entry, seen.words) for entry in entries[:PAGE]],
        older=entries[PAGE - 1].number if len(entries) > PAGE else None,
        action=action,
        actions=ACTIONS if action in {"", *ACTIONS} else (*ACTIONS, action),
        verdict=verdict,
    )


def _row(entry: Entry, words: Words) -> Row:
    return Row(entry, words.code("audit_action", entry.action.replace(".", "_")), told(entry.detail))


def told(detail: Mapping[str, Any]) -> str:
    """Write what an entry says besides, in one line.

    >>> told({"reach": 12, "why": "too much"})
    'reach: 12 · why: too much'
    """
    return " · ".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in detail.items()
    )


def cell(value: object) -> str:
    """Return a cell of CSV that no spreadsheet takes for a formula.

    >>> cell("=1+1"), cell("-2"), cell(None), cell("ann")
    ("'=1+1", "'-2", '', 'ann')
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA[:4]) else text


def _csv(audit: Audit, action: str | None) -> Iterator[str]:
    yield _line(HEADER)
    before: int | None = None
    while entries := audit.entries(before, _AT_ONCE, action):
        for one in entries:
            plain = one.to_dict() | {"detail": json.dumps(one.detail, ensure_ascii=False, sort_keys=True)}
            yield _line([cell(plain[name]) for name in HEADER])
        before = entries[-1].number


def _line(cells: object) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)  # type: ignore[arg-type]
    return written.getvalue()


def _verified(audit: Audit, expected: Head | None) -> tuple[Broken | None, Head]:
    return audit.verify(expected), audit.head


def _number(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18:  # noqa: PLR2004  as much as a number of the books has
        raise InputFault("before", text[:40], "is no number of an entry", "follow a link of the list")
    return int(text)
