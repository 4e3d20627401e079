"""Sources: what the user named (files, folders, patterns) becomes an ordered list of files, each once."""

import glob
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from andante.vocabulary.fault import EmptyInput, InputFault

SUFFIXES = (".csv", ".tsv", ".parquet", ".ndjson", ".jsonl", ".json")
"""The suffixes that a file inside a folder must have to be read, each also with ``.gz`` behind it."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read. One found in a folder is ``optional``: another kind of table there is no fault."""

    path: Path
    optional: bool


def expand(named: Sequence[str | Path], *, without: Path | None = None) -> list[Source]:
    """Return the files that the named files, folders and patterns hold, in a stable order, each once.

    ``without`` is left out of folders and patterns: a quarantine of an earlier run is not a source. Hidden
    files and those that begin with an underscore are left out of folders. Raises InputFault for what does not
    exist and EmptyInput for a folder or pattern without data.
    """
    if not named:
        raise InputFault("sources", None, "name no file", "give at least one file, folder or pattern")
    found: dict[Path, Source] = {}
    skipped = without.resolve() if without else None
    for name in named:
        for source in _expand_one(Path(name), skipped):
            found.setdefault(source.path.resolve(), source)
    return list(found.values())


def _expand_one(path: Path, skipped: Path | None) -> Iterator[Source]:
    if path.is_dir():
        files = _data_files(path.rglob("*"), skipped, below=path)
        if not files:
            known = " ".join(SUFFIXES)
            raise EmptyInput(f"folder {path}", None, "holds no data file", f"put files there ({known}, also .gz)")
        yield from (Source(file, optional=True) for file in files)
    elif path.exists():
        yield Source(path, optional=False)
    elif glob.has_magic(str(path)):
        matches = (Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207  absolute patterns too
        files = sorted(match for match in matches if match.is_file() and match.resolve() != skipped)
        if not files:
            raise EmptyInput(f"pattern {path}", None, "matches no file", "check the folder and the spelling")
        yield from (Source(file, optional=False) for file in files)
    else:
        raise InputFault(f"file {path}", None, "does not exist", "check the folder and the spelling")


def _data_files(paths: Iterable[Path], skipped: Path | None, *, below: Path) -> list[Path]:
    def wanted(path: Path) -> bool:
        hidden = any(part.startswith((".", "_")) for part in path.relative_to(below).parts)
        name = path.name.lower().removesuffix(".gz")
        return name.endswith(SUFFIXES) and not hidden and path.is_file() and path.resolve() != skipped

    return sorted(path for path in paths if wanted(path))
