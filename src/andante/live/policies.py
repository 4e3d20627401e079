"""Policies at the desk: the parameters that hold for everybody, published whenever they change."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from andante.live.parameters import compile_parameters, same
from andante.stores.contract import NO_USER
from andante.vocabulary.flow import Kind
from andante.vocabulary.parameters import policy_version
from andante.zones.table import data_version

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from andante.live.desk import Draft

POLICY = "policy:"
"""Under this and a version, the store's meta keeps the name of every policy of the log."""

SETTINGS = "settings"
"""Under this the store's meta keeps the settings that were published last, as JSON."""

FACES = ("service", "stream", "delivery", "channels")
"""Sections that decide nothing: how the engine is reached, and how pushes travel. They are kept out of the log."""


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
