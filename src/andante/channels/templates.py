"""Templates: what a push says, with places that are filled in from facts. Liquid, in a sandbox.

A message is a JSON object with the fields of :class:`~andante.channels.contract.Content`, each text a template, and
may bring facts of its own: ``facts`` for all who get it, and ``items``, facts by ``item_id``, of which a template sees
the push's own as ``item``. ``html`` is an e-mail's own layout; in it alone facts are escaped for HTML.

A template can say, choose and repeat; it cannot reach files, other templates, clocks or the network, and everything
it makes is bounded. A name that nobody gives is a fault when a message is stored (:meth:`Templates.check`), where
somebody can mend it, and empty when a push goes out, where nobody can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from liquid.exceptions import LiquidError

from andante.channels.contract import FORMS, Content
from andante.channels.template_sandbox import FILTERS, parsed, sandbox
from andante.vocabulary.fault import InputFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from liquid import BoundTemplate

FACTS = frozenset(
    {
        "user_id",
        "decision_id",
        "candidate_id",
        "category",
        "channel",
        "campaign_id",
        "item_id",
        "outcome_url",
        "unsubscribe_url",
    }
)
"""What every push brings, where it has it."""

TEXTS = ("title", "body", "url", "image_url", "video_url")
ENTRY_TEXTS = ("title", "body", "url", "image_url")
ENTRIES_MAX = 10
DATA_MAX = 32

SOURCE_MAX = 65_536
"""The most characters of one template."""

CACHED_MAX = 1_024

_OUTSIDE = ("now", "today")
"""Names by which Liquid would read the clock."""

_SCHEMES_REFUSED = ("javascript", "data", "vbscript", "file", "blob")


class TemplateFault(NamedTuple):
    """What is wrong at one place of a message."""

    field: str
    line: int
    problem: str

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.field}, line {self.line}: {self.problem}"


class _Unfillable(Exception):
    """A message cannot be filled in."""

    def __init__(self, fault: TemplateFault) -> None:
        self.fault = fault
        super().__init__(str(fault))


class Templates:
    """Checks messages, and fills them in."""

    def __init__(self) -> None:
        """Make the sandbox, one for plain text and one for HTML."""
        self._plain, self._html = sandbox(autoescape=False), sandbox(autoescape=True)
        self._parsed: dict[tuple[bool, str], BoundTemplate] = {}

    def check(self, message: Mapping[str, Any]) -> None:
        """Raise InputFault with every fault of a message that is to be stored, one after the other."""
        if faults := self.faults(message):
            raise InputFault("message", None, "; ".join(map(str, faults)), "mend the template, then send it again")

    def faults(self, message: Mapping[str, Any]) -> list[TemplateFault]:
        """Return what is wrong with a message, by field and line.

        >>> for fault in Templates().faults({"title": "{{ user_id | shout }}", "body": "Hello {{ nmae }}"}):
        ...     print(fault)
        title, line 1: unknown filter 'shout'
        body, line 1: 'nmae' is nobody's fact: give it in "facts", or correct its name
        """
        if shape := _misshapen(message):
            return shape
        found = [fault for field, source in _sources(message) for fault in self._faults_in(field, source, message)]
        return found or self._trial(message)

    def render(self, message: Mapping[str, Any], facts: Mapping[str, Any]) -> Content:
        """Return what a shopper sees. Raises InputFault for a message that cannot be filled in with these facts.

        >>> message = {"title": "{{ item.name }} is back", "items": {"sku-1": {"name": "Red shoe"}}}
        >>> Templates().render(message, {"item_id": "sku-1"}).title
        'Red shoe is back'
        """
        try:
            return self._content(message, facts)
        except _Unfillable as found:
            problem = f"cannot be filled in ({found.fault})"
        raise InputFault("message", None, problem, "mend the template, then retry the push")

    def _content(self, message: Mapping[str, Any], facts: Mapping[str, Any]) -> Content:
        if shape := _misshapen(message):
            raise _Unfillable(shape[0])
        known = _known(message, facts)
        texts = {name: self._text(name, message.get(name), known) for name in TEXTS}
        data = {name: self._text(name, value, known) for name, value in message.get("data", {}).items()}
        layout = message.get("html")
        entries = [
            {name: filled for name in ENTRY_TEXTS if (filled := self._text(name, entry.get(name), known))}
            for entry in message.get("entries", ())
        ]
        if not texts["title"]:
            raise _Unfillable(TemplateFault("title", 1, "is empty when it is filled in"))
        optional = {name: texts[name] or None for name in ("url", "image_url", "video_url")}
        return Content(
            title=texts["title"],
            body=texts["body"],
            form=message.get("form", "text"),
            entries=tuple(entries),
            data=data,
            html=None if layout is None else self._fill("html", layout, known, html=True),
            **optional,
        )

    def _text(self, field: str, source: str | None, facts: Mapping[str, Any]) -> str:
        """Return one text, filled in: addresses checked, lines only where a text may have several."""
        filled = "" if source is None else self._fill(field, source, facts).strip()
        if field.endswith("url"):
            return _address(field, filled)
        return " ".join(filled.split()) if field == "title" else filled

    def _fill(self, field: str, source: str, facts: Mapping[str, Any], *, html: bool = False) -> str:
        try:
            return self._parse(source, html=html).render(**facts)
        except LiquidError as error:
            raise _Unfillable(_located(field, error)) from None
        except Exception as error:  # noqa: BLE001  whatever a template does to the library, it is the message's fault
            raise _Unfillable(TemplateFault(field, 1, f"{type(error).__name__}: {str(error)[:200]}")) from None

    def _parse(self, source: str, *, html: bool) -> BoundTemplate:
        """Return a template; the last ones stay parsed."""
        key = (html, source)
        template = self._parsed.get(key)
        if template is None:
            template = parsed(self._html if html else self._plain, source)
            if len(self._parsed) >= CACHED_MAX:
                self._parsed.clear()
            self._parsed[key] = template
        return template

    def _faults_in(self, field: str, source: str, message: Mapping[str, Any]) -> Iterator[TemplateFault]:
        """Yield the faults of one template: of its syntax, else of its names."""
        try:
            template = self._parse(source, html=field == "html")
            used = template.analyze()
        except LiquidError as error:
            yield _located(field, error)
            return
        except Exception as error:  # noqa: BLE001  a template that breaks the parser is refused like any other
            yield TemplateFault(field, 1, f"cannot be read ({type(error).__name__})")
            return
        found: set[TemplateFault] = set()
        for name, variables in used.globals.items():
            for variable in variables:
                if problem := _nobodys(name, variable.segments, message):
                    found.add(TemplateFault(field, _line(source, variable.span.index), problem))
        for name, spans in used.filters.items():
            if name not in FILTERS:
                found.update(
                    TemplateFault(field, _line(source, one.index), f"unknown filter '{name}'") for one in spans
                )
        yield from sorted(found)

    def _trial(self, message: Mapping[str, Any]) -> list[TemplateFault]:
        """Fill a message in with made-up facts, for each of its first items, and return what comes of it."""
        for item in list(message.get("items", {"sku": {}}))[:3] or ["sku"]:
            facts = dict.fromkeys(FACTS, "x") | {
                "item_id": item,
                "outcome_url": "https://x",
                "unsubscribe_url": "https://x",
            }
            try:
                self._content(message, facts)
            except _Unfillable as found:
                return [found.fault]
        return []


def _known(message: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that a template may name; a push's own facts win."""
    item = message.get("items", {}).get(facts.get("item_id"), {})
    return {**dict.fromkeys(_OUTSIDE), **message.get("facts", {}), "item": item, **facts}


def _nobodys(name: str, segments: Iterable[Any], message: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a name, or None: somebody gives it."""
    items = message.get("items", {})
    if name == "item":
        part = next(iter([*segments][1:]), None)
        lacking = [item_id for item_id, item in items.items() if part is not None and part not in item]
        if not items or lacking:
            where = f'item "{lacking[0]}" of "items" has none' if lacking else 'there are no "items"'
            return f"'item.{part}' is nobody's fact: {where}"
        return None
    if name in FACTS or name in message.get("facts", {}):
        return None
    return f"'{name}' is nobody's fact: give it in \"facts\", or correct its name"


def _sources(message: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the templates of a message, with what to call them."""
    for name in (*TEXTS, "html"):
        if message.get(name) is not None:
            yield name, message[name]
    for place, entry in enumerate(message.get("entries", ())):
        yield from ((f"entries[{place}].{name}", source) for name, source in entry.items())
    yield from ((f"data.{name}", source) for name, source in message.get("data", {}).items())


_SHAPE: dict[str, type] = {
    **dict.fromkeys((*TEXTS, "html", "form"), str),
    **dict.fromkeys(("facts", "items", "data"), dict),
    "entries": list,
}


def _misshapen(message: Mapping[str, Any]) -> list[TemplateFault]:
    """Return what is wrong with the fields of a message themselves."""
    found = [
        TemplateFault(name, 1, "is no field of a message" if name not in _SHAPE else f"is not {_SHAPE[name].__name__}")
        for name, value in message.items()
        if name not in _SHAPE or not (value is None or isinstance(value, _SHAPE[name]))
    ]
    if found:
        return found
    if not message.get("title"):
        found.append(TemplateFault("title", 1, "is missing"))
    if message.get("form", "text") not in FORMS:
        found.append(TemplateFault("form", 1, f"is none of {', '.join(FORMS)}"))
    found += _misshapen_parts(message)
    if not found:
        found = [
            TemplateFault(field, 1, f"is longer than {SOURCE_MAX} characters")
            for field, source in _sources(message)
            if len(source) > SOURCE_MAX
        ]
    return found


def _misshapen_parts(message: Mapping[str, Any]) -> Iterator[TemplateFault]:
    """Yield what is wrong with the parts of a message that have parts."""
    entries, data = message.get("entries") or [], message.get("data") or {}
    texts = [text for entry in entries for text in (entry.items() if isinstance(entry, dict) else [(None, None)])]
    if len(entries) > ENTRIES_MAX or any(name not in ENTRY_TEXTS or not isinstance(text, str) for name, text in texts):
        yield TemplateFault("entries", 1, f"are at most {ENTRIES_MAX} objects of texts {', '.join(ENTRY_TEXTS)}")
    if len(data) > DATA_MAX or not all(isinstance(text, str) for text in data.values()):
        yield TemplateFault("data", 1, f"are at most {DATA_MAX} texts by name")
    if not all(isinstance(item, dict) for item in (message.get("items") or {}).values()):
        yield TemplateFault("items", 1, "are objects by item_id")
    if taken := sorted((FACTS | {"item"}) & set(message.get("facts") or {})):
        yield TemplateFault("facts", 1, f"'{taken[0]}' is what the push itself brings: take another name")


def _address(field: str, filled: str) -> str:
    """Return the address of a page or a picture. Raises InputFault for one that could run as a script."""
    scheme, separator, _ = filled.partition(":")
    refused = separator and scheme.strip().lower() in _SCHEMES_REFUSED
    if refused or any(character.isspace() or not character.isprintable() for character in filled):
        raise _Unfillable(TemplateFault(field, 1, "is no address of a page or of a place in an app"))
    return filled


def _located(field: str, error: LiquidError) -> TemplateFault:
    token = error.token
    line = 1 if token is None or token.start_index < 0 else _line(token.source, token.start_index)
    return TemplateFault(field, line, str(error.message).splitlines()[0][:200] if error.message else "cannot be read")


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, index) + 1
