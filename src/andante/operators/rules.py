"""Rules: the configuration as operators edit it: checked before it holds, and holding from the very next decision.

What decides can be edited while the engine is open. How it is reached, the seed, the zones of users and the log cannot:
``FIXED`` of ``andante.live.policies`` names those sections.
"""

from __future__ import annotations

import difflib
import hashlib
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from andante.live.policies import FACES, FIXED
from andante.operators.audit import named, reason
from andante.operators.chain import replace
from andante.operators.changes import Change, changes
from andante.settings import Settings, faults, load, warnings
from andante.settings.sources import parse
from andante.vocabulary.fault import Conflict, Fault, SettingsFault, StoreFault
from andante.vocabulary.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from andante.live.engine import Engine
    from andante.operators.books import Books

PREVIOUS = ".previous"
"""What the name of the file that was replaced ends in, after its own."""

NAME = "the rules"
TEXT_MAX = 262_144
_RESTART = "write it into the configuration's file, then restart the server"


class Text(NamedTuple):
    """The rules as they are, and the token that an edit of them is applied with."""

    text: str
    token: str


class Checked(Record, frozen=True, omit_defaults=False):
    """What would come of a text, if it were applied."""

    faults: tuple[str, ...]  # while there is any, it cannot be applied
    warnings: tuple[str, ...]
    diff: tuple[str, ...]  # lines of a unified diff, without line ends
    changes: tuple[Change, ...]  # none where there are faults
    token: str  # of the text that the diff begins from

    @property
    def holds(self) -> bool:
        """Tell whether it can be applied."""
        return not self.faults


class Applied(Record, frozen=True, omit_defaults=False):
    """What came of an edit."""

    policy_version: str
    changes: tuple[Change, ...]
    entry: int  # of the audit


class Rules:
    """The rules of an engine. Its calls may block; they may be made from any thread."""

    def __init__(self, engine: Engine, books: Books, config: Path | None, environ: Mapping[str, str]) -> None:
        """Store where they hold, where they are written, and what overrides them."""
        self._engine, self._books, self._environ = engine, books, environ
        self._file = None if config is None else config.resolve()  # a link stays one
        self._guard = threading.RLock()

    def text(self) -> str:
        """Return the configuration's own text; without a file, what differs from the defaults, as TOML."""
        if self._file is None:
            return written(self._engine.settings)
        try:
            return self._file.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise self._unwritable("cannot be read", error) from error

    def read(self) -> Text:
        """Return the text, and the token that stands for it and for the settings that hold."""
        with self._guard:
            text = self.text()
            held = msgspec.json.encode(self._engine.settings.model_dump(mode="json"), order="sorted")
            return Text(text, hashlib.sha256(text.encode() + b"\0" + held).hexdigest())

    def check(self, text: str) -> Checked:
        """Say what is wrong with a text, and what would change. Nothing is done."""
        current = self.read()
        text = _like(current.text, text)
        wrong, settings = self._examined(text)
        doubts = warnings(parse(text, NAME), self._environ) if settings is not None else []
        return Checked(
            faults=tuple(map(str, wrong)),
            warnings=tuple(map(str, doubts)),
            diff=tuple(_diff(current.text, text)),
            changes=() if settings is None or wrong else changes(self._engine.settings, settings),
            token=current.token,
        )

    def apply(self, who: str, text: str, token: str) -> Applied:
        """Let a text hold from the very next decision, and write it; the file that was there is kept beside it.

        Raises Conflict where the text was made from an older state than holds now, SettingsFault for what
        :meth:`check` refuses, and what ``Engine.reconfigure`` raises: then nothing was changed. All is taken down.
        """
        who, before = named(who), self._engine.policy_version
        with self._guard:
            try:
                policy, changed = self._apply(who, text, token)
            except Fault as fault:
                self._books.audit.note(who, "rules.apply", NAME, {"policy": before}, refused=reason(fault))
                raise
            detail = {"was": before, "policy": policy, "changes": {one.key: [one.before, one.after] for one in changed}}
            return Applied(policy, changed, self._books.audit.note(who, "rules.apply", NAME, detail))

    def _apply(self, who: str, text: str, token: str) -> tuple[str, tuple[Change, ...]]:
        current = self.read()
        if token != current.token:
            raise Conflict(NAME, None, "have changed since this text was made", "look at them anew, and edit those")
        text = _like(current.text, text)
        wrong, settings = self._examined(text)
        if wrong or settings is None:
            raise wrong[0]
        held = self._engine.settings
        is_changed = settings != held
        policy = self._engine.policy_version
        if is_changed:
            policy = self._engine.reconfigure(settings, f"rules edited by {who}")
        if self._file is not None and text != current.text:
            self._write(self._file, current.text, text, held if is_changed else None)
        return policy, changes(held, settings)

    def _examined(self, text: str) -> tuple[list[Fault], Settings | None]:
        """Return what is wrong with a text, and the settings that it makes, None where it makes none."""
        if len(text) > TEXT_MAX:
            return [SettingsFault(NAME, f"{len(text)} letters", "are too long", f"keep them within {TEXT_MAX}")], None
        try:
            text.encode()
            tree = parse(text, NAME)
            wrong: list[Fault] = [*faults(tree, self._environ)]
        except UnicodeEncodeError:
            return [SettingsFault(NAME, None, "are not text that UTF-8 can carry", "send well-formed Unicode")], None
        except SettingsFault as fault:
            return [fault], None
        if wrong:
            return wrong, None
        settings = load(tree, self._environ)
        if self._file is None:  # the text is what decides, and says nothing of how the engine is reached
            unsaid = {name: getattr(self._engine.settings, name) for name in _sections(FACES) if name not in tree}
            settings = settings.model_copy(update=unsaid)
        return [*self._fixed(settings)], settings

    def _fixed(self, settings: Settings) -> list[SettingsFault]:
        """Return a fault for every section that differs and cannot change while the engine is open."""
        held = self._engine.settings
        return [
            SettingsFault(f"[{name}]", None, "cannot change while the engine is open", _RESTART)
            for name in _sections(FIXED)
            if getattr(settings, name) != getattr(held, name)
        ]

    def _write(self, file: Path, before: str, text: str, held: Settings | None) -> None:
        """Replace the file in one step; where that fails, the settings that held before hold again."""
        try:
            if file.exists():
                replace(file.with_name(file.name + PREVIOUS), before.encode())
            replace(file, text.encode())
        except OSError as error:
            if held is not None:
                self._engine.reconfigure(held, "the edited rules could not be written")
            raise self._unwritable("cannot be written", error) from error

    def _unwritable(self, problem: str, error: Exception) -> StoreFault:
        why = getattr(error, "strerror", None) or "is no UTF-8"
        action = "let the server's user read and write it and its folder"
        return StoreFault("the configuration", self._file, f"{problem} ({why})", action)


def written(settings: Settings) -> str:
    """Return what of settings differs from the defaults, as TOML, without how the engine is reached."""
    import tomlkit  # noqa: PLC0415  of the extra `service`

    said: dict[str, Any] = settings.model_dump(
        mode="json", exclude=set(_sections(FACES)), exclude_defaults=True, exclude_none=True
    )
    return tomlkit.dumps({name: section for name, section in said.items() if section})


def _like(current: str, text: str) -> str:
    """Return a text with the line ends of the one that it takes the place of: pages send others."""
    if "\r\n" not in current:
        text = text.replace("\r\n", "\n")
    return text if not text or text.endswith("\n") else f"{text}\n"


def _diff(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "now", "edited", lineterm="")
    return list(lines)


def _sections(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name in Settings.model_fields]
