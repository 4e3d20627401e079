"""What every setting means, as data: the source of the documentation's table and of the fixes in faults."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pydantic import BaseModel

from andante.settings.sections import KINDS, ChannelOptions, PluginOptions, Settings

REQUIRED = "required"
KEYS_OF_MANY = {
    "caps": "caps[]",
    "categories": "categories.NAME",
    "vendor_quotas": "vendor_quotas.CHANNEL",
    "channels": "channels.NAME",
}
"""Sections of which there can be many, and how their keys are written in general."""


@dataclass(frozen=True, slots=True)
class SettingDescription:
    """One setting: how to write it, its default, its meaning, whose clock it runs on and what it counts."""

    key: str
    form: str
    default: str
    meaning: str
    clock: str
    counts: str


def describe() -> tuple[SettingDescription, ...]:
    """Describe every setting, in the order of the file.

    >>> [setting.form for setting in describe() if setting.key == "experiment.holdout"]
    ['a number from 0 to 0.5']
    """
    return _described()


def markdown_table() -> str:
    """Write the settings as a Markdown table, as it stands in ``docs/configuration.md``."""
    heads = ("Setting", "Form", "Default", "Meaning", "Whose clock", "What counts")
    rows = [(f"`{s.key}`", s.form, f"`{s.default}`", s.meaning, s.clock, s.counts) for s in describe()]
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def form_at(key: str) -> str | None:
    """Return how to write the setting with this key (``caps[].limit``), or None where there is none."""
    return next((setting.form for setting in describe() if setting.key == key), None)


@cache
def _described() -> tuple[SettingDescription, ...]:
    schema = Settings.model_json_schema()
    return tuple(
        setting
        for section, field in Settings.model_fields.items()
        for setting in (
            _of_providers(KEYS_OF_MANY[section])
            if section == "channels"
            else _of_section(KEYS_OF_MANY.get(section, section), model_in(field.annotation), schema["$defs"])
        )
    )


def _of_providers(section: str) -> Iterator[SettingDescription]:
    """Describe what the tables of all providers share, then what each provider asks for, a key once."""
    rows: dict[str, dict[str, SettingDescription]] = {}
    kinds: dict[str, type[ChannelOptions]] = {**KINDS, "plugins": PluginOptions}
    for provider, kind in kinds.items():
        for row in _of_section(section, kind, {kind.__name__: kind.model_json_schema()}):
            rows.setdefault(row.key, {})[provider] = row
    for key, by_provider in rows.items():
        shared = key.rpartition(".")[2] in ChannelOptions.model_fields
        first = next(iter(by_provider.values()))
        yield (
            first
            if shared
            else replace(
                first,
                default=_default({provider: row.default for provider, row in by_provider.items()}),
                meaning=_meaning({provider: row.meaning for provider, row in by_provider.items()}),
            )
        )


def _default(said: Mapping[str, str]) -> str:
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return ", ".join(f"{what} ({who})" for what, who in _by_what(said))


def _meaning(said: Mapping[str, str]) -> str:
    return " ".join(f"{who}: {what}" for what, who in _by_what(said))


def _by_what(said: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what is said with all providers that say the same."""
    who: dict[str, list[str]] = {}
    for provider, what in said.items():
        who.setdefault(what, []).append(provider)
    return [(what, ", ".join(names)) for what, names in who.items()]


def _of_section(
    section: str, model: type[BaseModel] | None, schemas: Mapping[str, Any]
) -> Iterator[SettingDescription]:
    if model is None:  # a section is a table of settings; there are no others
        return
    for name, schema in schemas[model.__name__]["properties"].items():
        if "$ref" in schema:  # a table within the section
            yield from _of_section(f"{section}.{name}", model_in(model.model_fields[name].annotation), schemas)
            continue
        required = name in schemas[model.__name__].get("required", ())
        default = schema.get("default")
        yield SettingDescription(
            key=f"{section}.{name}",
            form=_form(schema),
            default=REQUIRED if required else "absent" if default is None else json.dumps(default),
            meaning=schema["description"],
            clock=schema["clock"],
            counts=schema["counts"],
        )


def model_in(annotation: object) -> type[BaseModel] | None:
    """Find the section in an annotation such as ``tuple[Cap, ...]`` or ``QuietHours | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (model_in(part) for part in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model is not None), None)


def _form(schema: Mapping[str, Any]) -> str:
    """Say in words how a setting is written."""
    if "form" in schema:
        return str(schema["form"])
    if "anyOf" in schema:  # a setting that may be absent
        return _form(next(kind for kind in schema["anyOf"] if kind["type"] != "null"))
    if "enum" in schema:
        return " or ".join(json.dumps(choice) for choice in schema["enum"])
    word = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
    return word[schema["type"]] + _range(schema)


def _range(schema: Mapping[str, Any]) -> str:
    lowest, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    highest, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if lowest is not None and highest is not None:
        return f" from {lowest:g} to {highest:g}"
    words = {"from": lowest, "above": above, "to": highest, "below": below}
    said = [f"{word} {bound:g}" for word, bound in words.items() if bound is not None]
    return f" {', '.join(said)}" if said else ""
