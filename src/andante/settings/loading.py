"""From a source to settings, or to every fault in it at once."""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from andante.settings.conflicts import conflicts
from andante.settings.description import KEYS_OF_MANY, describe, form_at, model_in
from andante.settings.doubts import doubts
from andante.settings.sections import Settings
from andante.settings.sources import Origins, Source, read
from andante.vocabulary.fault import SettingsFault

Location = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_OF_KEY = "[key]"  # the validator's mark of a fault in the name of a table
_SHOWN_MAX = 60  # characters of a value in a fault

_PROBLEMS = {
    "bool_type": "is not true or false",
    "dict_type": "is not a table",
    "finite_number": "is not a finite number",
    "float_type": "is not a number",
    "greater_than": "is not above {gt:g}",
    "greater_than_equal": "is below {ge:g}",
    "int_type": "is not a whole number",
    "less_than": "is not below {lt:g}",
    "less_than_equal": "is above {le:g}",
    "literal_error": "is not one of the choices",
    "missing": "is missing",
    "model_type": "is not a table",
    "string_too_short": "is empty",
    "string_type": "is not text",
    "tuple_type": "is not a list of tables",
}


def load(source: Source, environ: Mapping[str, str]) -> Settings:
    """Load the settings from a TOML file, a mapping or defaults alone, overridden by the environment.

    Variables are named ``ANDANTE_SECTION__KEY``. Raises SettingsFault: the one fault, or how many there are
    and the first of them (:func:`faults` names them all).

    >>> load({"budget": {"per_user_week": 3}}, {"ANDANTE_BUDGET__PER_USER_WEEK": "2"}).budget.per_user_week
    2.0
    """
    settings, found = _examined(source, environ)
    if not found:
        return settings
    if len(found) == 1:
        raise found[0]
    name = f"configuration {source}" if isinstance(source, Path) else "the configuration"
    problem = f"cannot be used, and its first fault is that {found[0]}"
    action = (
        f"`andante check {source}` names them all" if isinstance(source, Path) else "settings.faults names them all"
    )
    raise SettingsFault(name, f"{len(found)} faults", problem, action)


def faults(source: Source, environ: Mapping[str, str]) -> list[SettingsFault]:
    """Name every fault at once, each with its key, the value, what is wrong and the fix; none means it loads.

    >>> for fault in faults({"budgt": {}, "experiment": {"holdout": 0.7}}, {}):
    ...     print(fault)
    budgt ({}) is not a setting: did you mean budget?
    experiment.holdout (0.7) is above 0.5: write a number from 0 to 0.5
    """
    try:
        return _examined(source, environ)[1]
    except SettingsFault as fault:  # the file itself could not be read
        return [fault]


def warnings(source: Source, environ: Mapping[str, str]) -> list[SettingsFault]:
    """Name what is allowed but cannot do what it says, such as a cap that a stricter one makes idle.

    Nothing is raised, and where there are faults these come first: an unusable configuration has no warnings.
    """
    try:
        settings, found = _examined(source, environ)
    except SettingsFault:
        return []
    return [] if found else [doubt for _, doubt in doubts(settings)]


def _examined(source: Source, environ: Mapping[str, str]) -> tuple[Settings, list[SettingsFault]]:
    """Validate what there is; then, on what is right by itself, look for what is wrong together."""
    tree, origins = read(source, environ)
    found: dict[Location, SettingsFault] = {}
    while True:
        try:
            settings = Settings.model_validate(tree)
            break
        except ValidationError as error:
            details = error.errors(include_url=False)
            for detail in details:
                found.setdefault(detail["loc"], _fault(detail, origins))
            _prune(tree, details)
    wrong = {_dotted(location) for location in found}
    together = [
        fault for keys, fault in conflicts(settings) if not any(_touches(w, key) for w in wrong for key in keys)
    ]
    order = list(Settings.model_fields)
    listed = sorted(found.items(), key=lambda item: order.index(str(item[0][0])) if item[0][0] in order else -1)
    return settings, [fault for _, fault in listed] + together


def _touches(wrong: str, key: str) -> bool:
    """Tell whether a key or its section is at fault. A fault in one cap leaves the others to be judged."""
    return key == wrong or key.startswith(f"{wrong}.")


def _prune(tree: dict[str, Any], details: Sequence[Mapping[str, Any]]) -> None:
    """Take out the faulty values, and entries that cannot stand without them, to judge the rest."""
    idle_caps: set[int] = set()
    for detail in details:
        location: Location = tuple(part for part in detail["loc"] if part != _OF_KEY)
        if location[0] == "caps" and len(location) > 1:
            idle_caps.add(int(location[1]))
            continue
        if detail["type"] == "missing":
            location = location[:-1]
        node: Any = tree
        for part in location[:-1]:
            node = node.get(part, {})
        node.pop(location[-1], None)
    if idle_caps:
        tree["caps"] = [cap for place, cap in enumerate(tree["caps"]) if place not in idle_caps]


def _fault(detail: Mapping[str, Any], origins: Origins) -> SettingsFault:
    """Turn an error of the validator into a fault in our words."""
    location: Location = detail["loc"]
    context = detail.get("ctx", {})
    key = _dotted(tuple(part for part in location if part != _OF_KEY))
    variables = [name for path, name in origins.items() if path == location[: len(path)]]
    thing = f"{key} from {variables[-1]}" if variables else key
    value = None if detail["type"] == "missing" else _shown(detail["input"])
    if detail["type"] == "andante":
        return SettingsFault(thing, value, context["problem"], context["action"])
    if detail["type"] == "extra_forbidden":
        return SettingsFault(thing, value, "is not a setting", _suggestion(location))
    problem = _PROBLEMS.get(detail["type"], detail["msg"].lower()).format(**context)
    return SettingsFault(thing, value, problem, _fix(location))


def _fix(location: Location) -> str:
    form = form_at(_general(location))
    if form is not None:
        return f"write {form}"
    if location[0] == "caps":
        return "write [[caps]] with scope, limit and window beneath, once for each cap"
    section = KEYS_OF_MANY.get(str(location[0])) or ".".join(map(str, location))
    return f"write [{section}] with its keys beneath"


def _suggestion(location: Location) -> str:
    """Guess the setting that was meant: a close name in the same section, else the same name in another."""
    *parent, name = location
    model: Any = Settings
    for part in parent:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        model = (field and model_in(field.annotation)) or model
    near = difflib.get_close_matches(str(name).lower(), model.model_fields, n=1)
    if near:
        return f"did you mean {_dotted((*parent, near[0]))}?"
    elsewhere = [setting.key for setting in describe() if setting.key.rpartition(".")[2] == str(name).lower()]
    if elsewhere:
        return f"did you mean {' or '.join(elsewhere)}?"
    return f"leave it out, or use one of {', '.join(model.model_fields)}"


def _general(location: Location) -> str:
    """Write a location as the documentation does: ``caps[].limit``, ``categories.NAME.transactional``."""
    general = KEYS_OF_MANY.get(str(location[0]))
    return ".".join(map(str, location if general is None else (general, *location[2:])))


def _dotted(location: Location) -> str:
    """Write a location as a TOML path, places in a list in brackets: ``caps[0].limit``."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (
                part if _BARE_KEY.fullmatch(part) else json.dumps(part, ensure_ascii=False)
            )
    return text


def _shown(value: object) -> object:
    """Shorten what would not fit on a line, and write what is invisible or not TOML in quotes."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip() and len(value) <= _SHOWN_MAX:
        return value
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _SHOWN_MAX else f"{text[: _SHOWN_MAX - 1]}…"
