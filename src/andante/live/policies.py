"""Policies at the desk: the parameters that hold for everybody, published whenever they change."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from andante.live.budget import BudgetController
from andante.live.names import KINDS, Names
from andante.live.parameters import compile_parameters, same, switch
from andante.settings import Settings, load
from andante.settings.conflicts import conflicts
from andante.stores.contract import NO_USER
from andante.vocabulary.fault import InputFault
from andante.vocabulary.flow import Kind
from andante.vocabulary.parameters import policy_version
from andante.zones.table import data_version

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from andante.live.desk import Draft

Config: TypeAlias = str | Path | Mapping[str, Any] | Settings | None
"""What an engine is opened with: the path of a TOML file, a mapping, settings, or nothing."""

POLICY = "policy:"
"""Under this and a version, the store's meta keeps the name of every policy of the log."""

SETTINGS = "settings"
"""Under this the store's meta keeps the settings that were published last, as JSON."""

FACES = ("service", "stream", "delivery", "channels", "operators")
"""Sections that decide nothing: how the engine is reached, and how pushes travel. They are kept out of the log."""

FIXED = (*FACES, "engine", "users", "log")
"""Sections that hold for as long as an engine is open: see :func:`reconfigure`."""


def settings_given(config: Config) -> Settings | None:
    """Return the settings that an engine is opened with; None for those of its log.

    The environment overrides all but settings. Raises SettingsFault for a configuration that does not hold.
    """
    if config is None or isinstance(config, Settings):
        return config
    return load(Path(config) if isinstance(config, str) else config, os.environ)


def settings_checked(settings: Settings) -> Settings:
    """Return settings as their own text would be read again, however they were made.

    A copy with changed fields was never checked. Raises InputFault where these are no settings, and SettingsFault,
    which names the key, where they do not hold.
    """
    if not isinstance(settings, Settings):
        raise InputFault("settings", type(settings).__name__, "are no settings", "give what andante.settings.load read")
    said = settings.model_dump(mode="json", exclude=set(FACES), warnings=False)
    faces = {name: getattr(settings, name) for name in _sections(FACES)}
    checked = load(said, {}).model_copy(update=faces)
    for _, fault in conflicts(checked):
        raise fault
    return checked


def reconfigure(draft: Draft, settings: Settings, why: str, at_us: int) -> str:
    """Let other settings hold from here on, and log them; return the name of the policy.

    ``settings`` are checked. Raises InputFault for a section that is ``FIXED`` and differs, for no reason given, and
    where there is no code left for a name; then nothing was changed. Settings that are as they were change nothing.
    """
    desk = draft.desk
    for name in _sections(FIXED):
        if getattr(settings, name) != getattr(desk.settings, name):
            raise InputFault(
                f"the section [{name}]", None, "cannot change while the engine is open", "change the file, and restart"
            )
    if not isinstance(why, str) or not why.isprintable() or not why.strip():
        raise InputFault("why", repr(why), "says nothing", "give the reason of the change, on one line")
    held = desk.deciding()
    if settings == desk.settings:
        return desk.policies[int(held["version"][0])]
    version = int(held["version"][0]) + 1
    compile_parameters(settings, copied(desk.names), version=version, before=held)  # what cannot be refuses here
    wanted = compile_parameters(settings, desk.names, version=version, before=held)
    if settings.budget != desk.settings.budget:
        desk.budget = BudgetController(settings)
    desk.settings, desk.channels = settings, len(desk.names.channels)
    return take_parameters(draft, wanted, why, at_us)


def copied(names: Names) -> Names:
    """Return names to try something on: what is added to them is added nowhere else."""
    listed = zip(KINDS, (names.channels, names.categories, names.zones), strict=True)
    return Names([(kind, code, name) for kind, known in listed for code, name in enumerate(known)])


def meet_channels(draft: Draft, at_us: int) -> None:
    """Let the quota of a vendor hold from the first request on its channel."""
    if len(draft.desk.names.channels) != draft.desk.channels:
        publish_settings(draft, "new channels", at_us)


def publish_settings(draft: Draft, why: str, at_us: int) -> None:
    """Publish what the settings compile to, if it is another policy than the one that holds."""
    desk = draft.desk
    before = desk.parameters
    version = 1 if before is None else int(before["version"][0]) + 1
    wanted = compile_parameters(desk.settings, desk.names, version=version, before=before)
    desk.channels = len(desk.names.channels)
    if before is None or not same(wanted, before):
        take_parameters(draft, wanted, why, at_us)


def throw(draft: Draft, scope: str, at_us: int, *, on: bool) -> str:
    """Throw the kill switch for a scope, or lift it; return the name of the policy. See ``parameters.switch``."""
    changed = switch(draft.desk.deciding(), draft.desk.names, scope, stopped=on)
    return take_parameters(draft, changed, f"kill switch {scope} {'on' if on else 'off'}", at_us)


def take_parameters(draft: Draft, parameters: NDArray[np.void], why: str, at_us: int) -> str:
    """Let parameters (1,) hold from here on, and log them; return the name of the policy."""
    desk = draft.desk
    desk.publish(parameters)
    version, policy = int(parameters["version"][0]), policy_version(parameters[0])
    body: dict[str, Any] = {
        "parameters": b64encode(parameters.tobytes()).decode(),
        "policy_version": policy,
        "tzdata": data_version(),
        "why": why,
    }
    said = desk.settings.model_dump(mode="json", exclude=set(FACES))
    settings = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    if settings != desk.logged_settings:
        body["settings"] = said
        draft.meta[SETTINGS] = desk.logged_settings = settings
    number = draft.numbers(1)
    written = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    draft.rows.append((number, int(Kind.PARAMETERS), NO_USER, at_us, None, written))
    draft.meta[f"{POLICY}{version}"] = policy
    return policy


def _sections(names: tuple[str, ...]) -> list[str]:
    """Return those of the names that settings have."""
    return [name for name in names if name in Settings.model_fields]
