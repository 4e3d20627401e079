"""Documentation is run: the examples in docstrings, in README.md and in docs/ are tests, one a file.

Blocks of one page build on each other (a log is written, then read), so a page is one test that runs in one empty
folder; workers that share tests among them cannot tear it apart. ``python`` blocks run as they stand, or as
doctests where they begin with ``>>>``. ``console`` blocks run each line that begins with ``$``, which must end
with 0; where output is shown, it must be what the command prints, but for figures and widths, and ``…`` stands
for anything. ``<!-- skip: next -->`` before a block leaves it out, and an ``invisible-code-block`` is run but not
shown.
"""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sybil import Document, Example, Sybil
from sybil.example import SybilFailure
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent
WIDTH = "100"
"""Columns of the terminal that commands believe in."""

PROMPT, CONTINUED, ANYTHING = "$ ", "\\\n", "…"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    """Collect the pages and modules whose examples are tests."""
    if not file_path.is_relative_to(ROOT) or "_build" in file_path.parts:
        return None
    place = file_path.relative_to(ROOT)
    if place.suffix == ".md" and (place.parts[0] == "docs" or place.name == "README.md"):
        return Page.from_parent(parent, path=file_path, sybil=MARKDOWN)
    if place.suffix == ".py" and place.parts[0] == "src":
        return Page.from_parent(parent, path=file_path, sybil=DOCSTRINGS)
    return None


class Page(pytest.File):
    """A file with examples."""

    def __init__(self, *, sybil: Sybil, **rest: object) -> None:
        """Store how the file is parsed."""
        super().__init__(**rest)
        self.sybil = sybil

    def collect(self) -> Iterator[pytest.Item]:
        """Yield one test, or none where the file has no examples."""
        document = self.sybil.parse(self.path)
        if document.regions:
            yield Examples.from_parent(self, name="examples", document=document)


class Examples(pytest.Item):
    """All examples of one file, in their order, in an empty folder."""

    def __init__(self, *, document: Document, **rest: object) -> None:
        """Store the parsed file."""
        super().__init__(**rest)
        self.document = document

    def runtest(self) -> None:
        """Run the examples up to the first that fails."""
        with tempfile.TemporaryDirectory(prefix="andante-") as folder, contextlib.chdir(folder):
            for example in self.document.examples():
                example.evaluate()

    def reportinfo(self) -> tuple[Path, int, str]:
        """Name the file in reports."""
        return self.path, 0, str(self.path.relative_to(ROOT))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: str | None = None) -> str:  # noqa: ARG002  pytest gives it
        """Say what was expected where an example says so, else show the traceback."""
        if isinstance(excinfo.value, SybilFailure):
            return str(excinfo.value)
        return str(excinfo.getrepr(style="short"))


def run_console(example: Example) -> str | None:
    """Run the commands of a console block, and return what went wrong."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = os.environ | {"PATH": path, "COLUMNS": WIDTH}
    for command, shown in _commands(str(example.parsed)):
        done = subprocess.run(  # noqa: S602  our own pages
            command,
            shell=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            env=environ,
        )
        if done.returncode:
            return f"$ {command}\nended with exit code {done.returncode}, and printed:\n{done.stdout}"
        if shown and not re.fullmatch(_pattern(shown), _normal(done.stdout)):
            return f"$ {command}\nprints something else than is shown here:\n{done.stdout}"
    return None


def _commands(block: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a block with the output that is shown below it."""
    if not block.startswith(PROMPT):
        raise ValueError(f"a console block begins with {PROMPT!r}, not with {block[:20]!r}")
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.replace(CONTINUED, " ").splitlines()
        yield lines[0], "\n".join(lines[1:]).strip()


def _normal(output: str) -> str:
    """Return output without what may differ: figures, widths of columns and rulers."""
    drawn = re.sub(r"[─━]+", "─", re.sub(r"-?\d[\d.,]*", "0", output))
    return re.sub(r"\s+", " ", drawn).strip()


def _pattern(shown: str) -> str:
    """Return a pattern for the output that is shown."""
    return ".*".join(re.escape(part) for part in _normal(shown).split(ANYTHING))


MARKDOWN = Sybil(parsers=[PythonCodeBlockParser(), CodeBlockParser("console", run_console), SkipParser()])
DOCSTRINGS = Sybil(parsers=[DocTestParser(doctest.ELLIPSIS)])
