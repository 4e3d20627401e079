"""Rendering: a template and words in, HTML out. Everything is escaped, and a missing name is an error."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2.utils import htmlsafe_json_dumps

from andante.report.theme import CONFIG
from andante.site import assets
from andante.site.words import LANGUAGES, NAMES

if TYPE_CHECKING:
    from andante.site.words import Words


def render(room: str, template: str, words: Words, **given: Any) -> str:
    """Return a template of a room (``andante.dashboard``) as HTML; ``w`` are its words."""
    return environment(room).get_template(template).render(w=words, **given)


@cache
def environment(room: str) -> jinja2.Environment:
    """Return the templates of a room, which may use those that all pages share."""
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(room), jinja2.PackageLoader("andante.site")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(asset=assets.path_of, languages=LANGUAGES, language_names=NAMES, chart_config=CONFIG)
    made.filters["json"] = lambda value: htmlsafe_json_dumps(value, ensure_ascii=False, separators=(",", ":"))
    return made
