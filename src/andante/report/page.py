"""The page: a run's summary in, one self-contained HTML file out."""

import base64
import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import vl_convert
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from andante.report import figures, sentences
from andante.report.summary import RunSummary
from andante.report.theme import CONFIG
from andante.report.verdict import verdict
from andante.report.words import Language, Words

SECTIONS = (
    "plan",
    "personas",
    "rhythm",
    "quality",
    "reasons",
    "budgets",
    "together",
    "satisfaction",
    "data",
    "reading",
)
ASSOCIATIONS_MAX = 10
TRAITS_MAX = 4
SOURCES_MAX = 4


def render(summary: RunSummary, *, language: Language = "en") -> str:
    """Return the report as one HTML page that asks for nothing from outside.

    The same summary gives the same bytes. Scripts run only if their hash is in the page's own content security
    policy, which also forbids every request, so a name from a stranger's file stays text whatever it holds.
    """
    words = Words.read(language)
    ordered = _by_pace(summary)
    shown = figures.figures(ordered, ordered.personas, words)
    scripts = {"bundle": bundle(), "script": _template_text("report.js")}
    charts = {"config": CONFIG, "charts": {name: figure.spec for name, figure in shown.items()}}
    return (
        _environment(words)
        .get_template("report.html")
        .render(
            s=ordered,
            w=words,
            say=sentences,
            verdict=verdict,
            sections=SECTIONS,
            figures=shown,
            tables=figures,
            associations=ordered.associations[:ASSOCIATIONS_MAX],
            traits_max=TRAITS_MAX,
            sources_max=SOURCES_MAX,
            idle_rules=_idle(ordered, words),
            policy=_policy(scripts.values()),
            style=Markup(_template_text("report.css")),  # noqa: S704  our own file
            data=_json(charts),
            readouts=_json(sentences.readouts(ordered, words)),
            **{name: Markup(text) for name, text in scripts.items()},  # noqa: S704  our own files
        )
    )


def _idle(summary: RunSummary, words: Words) -> list[str]:
    """Name the rules that had nothing to do in any table."""
    busy = {rule.rule for rule in summary.cleaning if rule.rows}
    return list(dict.fromkeys(words.known("rule_names", r.rule) for r in summary.cleaning if r.rule not in busy))


def _by_pace(summary: RunSummary) -> RunSummary:
    """Return the summary with personas by falling pace, in every place that lists them."""
    order = sorted(range(len(summary.personas)), key=lambda i: (-summary.personas[i].pace_mean, i))
    budgets = tuple(
        replace(option, persona_paces=tuple(option.persona_paces[i] for i in order)) for option in summary.budgets
    )
    return replace(summary, personas=tuple(summary.personas[i] for i in order), budgets=budgets)


@cache
def bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, which sets ``window.vegaEmbed`` and asks for nothing."""
    text: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub lacks the defaults
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _template_text(name: str) -> str:
    """Return a file of the page as text."""
    return files("andante.report").joinpath("templates", name).read_text(encoding="utf-8")


def _environment(words: Words) -> jinja2.Environment:
    """Return the templates' environment: everything is escaped, a missing name is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        integer=words.integer,
        compact=words.compact,
        decimal=words.decimal,
        budget=words.budget,
        pace=words.pace,
        percent=words.percent,
        date=words.date,
        listing=words.listing,
        basename=lambda path: re.split(r"[/\\]", path.rstrip("/\\"))[-1],
        sentence=words.sentence,
    )
    return environment


def _json(value: object) -> Markup:
    """Return a value as JSON that cannot end the script element it stands in; NaN becomes null."""
    return htmlsafe_json_dumps(
        _known(value), allow_nan=False, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )


def _known(value: Any) -> Any:
    """Replace NaN and infinities, which JSON does not have, by None, at any depth."""
    if isinstance(value, dict):
        return {key: _known(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_known(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _policy(scripts: Iterable[str]) -> str:
    """Return the content security policy: these scripts by hash, inline styles, and no request at all."""
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
    sources = " ".join(f"'sha256-{digest}'" for digest in digests)
    rest = "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    return f"default-src 'none'; script-src {sources}; {rest}"
