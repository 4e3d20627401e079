"""Pages: what a visit is, and how it is answered: language, appearance, headers that let nothing else in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from starlette.responses import HTMLResponse, RedirectResponse

from andante.service.problem import Problem, of_fault
from andante.site.rendering import render
from andante.site.words import LANGUAGES, Language, Words, words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

FORM_MAX = 512 * 2**10
"""The most bytes of a form: a rules text is the longest."""

LANGUAGE, THEME = "andante_language", "andante_theme"
THEMES: Final = ("auto", "light", "dark")
_YEAR_S = 31_536_000

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "same-origin",  # without any, a browser sends forms with the origin "null"
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a browser, with all that was found out before its page is asked."""

    request: Request
    words: Words
    theme: str
    form: Mapping[str, str]  # of a POST, once it was read; of fields of one name the last
    fields: tuple[tuple[str, str], ...] = ()  # the same, all of them
    who: str | None = None  # who is signed in

    @property
    def path(self) -> Mapping[str, str]:
        """The parts of the path that its route names, decoded."""
        return {name: unquote(part) for name, part in self.request.path_params.items()}

    def asked(self, name: str, otherwise: str = "") -> str:
        """Return a parameter of the URL."""
        return self.request.query_params.get(name, otherwise)


def visit(request: Request, room: str, who: str | None = None) -> Visit:
    """Return the visit of a request to a page of a room; its form is not read yet."""
    theme = request.cookies.get(THEME, THEMES[0])
    words = words_of(language_of(request), room)
    return Visit(request, words, theme if theme in THEMES else THEMES[0], {}, (), who)


async def with_form(seen: Visit) -> Visit:
    """Return a visit with the form that it brings. Raises Problem for one that cannot be taken."""
    fields = await _fields(seen.request)
    return replace(seen, form=dict(fields), fields=fields)


def language_of(request: Request) -> Language:
    """Return the language of a visit: what was chosen, else what the browser prefers, else English."""
    chosen = (request.query_params.get("language"), request.cookies.get(LANGUAGE))
    preferred = (part.partition(";")[0].strip()[:2] for part in request.headers.get("accept-language", "").split(","))
    for one in (*chosen, *preferred):
        for language in LANGUAGES:
            if one == language:
                return language
    return "en"


def page(seen: Visit, room: str, template: str, *, status: int = 200, **given: Any) -> Response:
    """Answer a visit with a template of a room; it is given ``v``, the visit, and ``w``, its words."""
    here = urlsplit(str(seen.request.url)).path
    html = render(room, template, seen.words, v=seen, here=here, back=_back(seen.request), **given)
    return HTMLResponse(html, status, headers=HEADERS | {"content-language": seen.words.text("shared.lang")})


def go(path: str) -> Response:
    """Answer a form: look at a page of ours."""
    return RedirectResponse(path, 303, headers={"cache-control": "no-store", "referrer-policy": "same-origin"})


def refusal(seen: Visit, room: str, error: Exception) -> Response:
    """Answer a visit with what is wrong, as a page. ``error`` is a Problem or a Fault."""
    problem = error if isinstance(error, Problem) else of_fault(error)  # type: ignore[arg-type]
    return page(seen, room, "problem.html", status=problem.status, problem=problem)


async def settle(request: Request) -> Response:
    """Keep the language and the appearance that were chosen, and go back to where they were."""
    fields = dict(await _fields(request))
    answer = go(own_path(fields.get("here", "/")))
    for name, cookie, allowed in (("language", LANGUAGE, LANGUAGES), ("theme", THEME, THEMES)):
        if fields.get(name) in allowed:
            answer.set_cookie(cookie, fields[name], max_age=_YEAR_S, samesite="lax")
    return answer


def own_path(path: str) -> str:
    """Return a path of ours; anything else, such as ``//elsewhere``, is the first page."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def _back(request: Request) -> str:
    """Return where a visit comes back to in another language: the same page, asked the same; of a form, its path.

    What was just done (``said``) is not said once more.
    """
    path = urlsplit(str(request.url)).path
    asked = [(name, value) for name, value in request.query_params.multi_items() if name not in {"language", "said"}]
    return f"{path}?{urlencode(asked)}" if asked and request.method == "GET" else path


async def _fields(request: Request) -> tuple[tuple[str, str], ...]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind != "application/x-www-form-urlencoded":
        raise Problem(415, "a form is sent as application/x-www-form-urlencoded")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_MAX:
            raise Problem(413, f"the form holds more than {FORM_MAX} bytes", action="shorten it")
    try:
        return tuple(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1000))
    except ValueError:
        raise Problem(400, "the form is no UTF-8, or has too many fields") from None
