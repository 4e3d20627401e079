"""The page of the rules: their text, what an edit of it would change, and each setting with whose clock it runs on."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from andante.dashboard.console import who_of
from andante.dashboard.doors import door, show
from andante.operators.audit import named
from andante.settings import describe
from andante.site.pages import go

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from andante.dashboard.console import Console
    from andante.operators.rules import Applied, Checked
    from andante.settings.description import SettingDescription
    from andante.site.pages import Visit
    from andante.vocabulary.fault import Fault

HERE = "/dashboard/rules"
SHOWN = ("consent", "quiet_hours", "caps", "gap", "duplicates", "budget", "experiment", "categories", "vendor_quotas")
"""The sections that hold rules; the others can be looked at as well."""


def routes(console: Console) -> list[BaseRoute]:
    """Return the routes of the page of the rules."""
    return [
        door(console, "GET", "rules", look),
        door(console, "POST", "rules", check),
        door(console, "POST", "rules/apply", apply),
        door(console, "GET", "rules/apply", back),
    ]


async def look(console: Console, seen: Visit) -> Response:
    """Show the rules as they are."""
    text, token = await console.run(console.rules.read)
    return await _shown(console, seen, text=text, token=token)


async def check(console: Console, seen: Visit) -> Response:
    """Say what an edited text would change, or what is wrong with it. Nothing changes."""
    text = _lines(seen.form.get("text", ""))
    checked = await console.run(console.rules.check, text)
    return await _shown(console, seen, text=text, token=checked.token, checked=checked)


async def apply(console: Console, seen: Visit) -> Response:
    """Let an edited text hold from the very next decision on, if it is what was checked."""
    from andante.vocabulary.fault import Conflict, SettingsFault  # noqa: PLC0415  beside what they are for

    text, token = _lines(seen.form.get("text", "")), seen.form.get("token", "")
    try:
        applied = await console.run(console.rules.apply, who_of(seen.who), text, token)
    except (Conflict, SettingsFault) as fault:
        checked = await console.run(console.rules.check, text)
        return await _shown(console, seen, text=text, token=checked.token, checked=checked, fault=fault)
    text, token = await console.run(console.rules.read)
    return await _shown(console, seen, text=text, token=token, applied=applied)


async def back(_console: Console, _seen: Visit) -> Response:
    """Lead whoever comes back to what was applied to the page itself."""
    return go(HERE)


async def _shown(  # noqa: PLR0913  what the page shows
    console: Console,
    seen: Visit,
    *,
    text: str,
    token: str,
    checked: Checked | None = None,
    applied: Applied | None = None,
    fault: Fault | None = None,
) -> Response:
    policy = await console.run(lambda: console.engine.policy_version)
    return show(
        console,
        seen,
        "rules.html",
        status=200 if fault is None else 409,
        text=text,
        token_of_text=token,
        checked=checked,
        diff=diff(checked) if checked else [],
        applied=applied,
        fault=fault,
        policy=policy,
        sections=sections(),
        me=named(seen.who) if seen.who else None,
        plain=plain,
    )


class DiffLine(NamedTuple):
    """A line of a diff, with what it is in words."""

    kind: str  # add, drop, place or same
    text: str


def diff(checked: Checked) -> list[DiffLine]:
    """Return the lines of a diff, without its heading.

    >>> from andante.operators.rules import Checked
    >>> lines = ("--- a", "+++ b", "@@ -1 +1 @@", "-x = 1", "+x = 2")
    >>> [line.kind for line in diff(Checked(faults=(), warnings=(), diff=lines, changes=(), token=""))]
    ['place', 'drop', 'add']
    """
    kinds = {"+": "add", "-": "drop", "@": "place"}
    lines = [line for line in checked.diff if not line.startswith(("--- ", "+++ "))]
    return [DiffLine(kinds.get(line[:1], "same"), line) for line in lines]


def sections() -> list[tuple[str, list[SettingDescription], bool]]:
    """Return every section with its settings, those of rules first, and whether it is one of them."""
    grouped = {name: list(some) for name, some in groupby(describe(), key=_section)}
    order = [*(name for name in SHOWN if name in grouped), *(name for name in grouped if name not in SHOWN)]
    return [(name, grouped[name], name in SHOWN) for name in order]


def plain(value: object) -> str:
    """Write a setting's value.

    >>> plain(True), plain(None), plain("PT1H"), plain([1, 2])
    ('true', '–', 'PT1H', '1, 2')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(plain, value)) if isinstance(value, list | tuple) else str(value)


def _section(setting: SettingDescription) -> str:
    return setting.key.partition(".")[0].removesuffix("[]")


def _lines(text: str) -> str:
    """Return what was written in a text area: browsers end its lines as Windows does."""
    return text.replace("\r\n", "\n")
