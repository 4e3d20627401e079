"""Measuring: one function in one fresh interpreter; its time, processor time, peak memory and answer.

Every benchmark runs ours and theirs through ``measure``, so what one imports, caches or holds never touches
the other. Run as a module, this file is the other end: it reads an order as JSON from standard input and
answers into a file.
"""

import importlib
import importlib.metadata
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from andante.vocabulary.fault import Fault

_KIB = 1024
_MEASURED_LIBRARIES = (
    "duckdb",
    "ibis-framework",
    "lightgbm",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one call cost. Times cover the call alone, memory the life of the process that made it."""

    seconds_wall: float
    seconds_cpu: float  # user and system, of the process and the children that it has waited for
    peak_rss_bytes: int  # resident set of the process at its highest, plus that of its largest child
    result: Any  # what the function returned, through JSON


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours beside theirs."""

    speed: float  # how many times faster ours is on the clock
    speed_cpu: float  # the same in processor time
    memory: float  # our peak as a share of theirs


def measure(
    target: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    address_space_bytes: int | None = None,
    timeout_s: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> Measurement:
    """Run ``package.module:function`` with these keyword arguments in a fresh interpreter, and measure it.

    Arguments and answer pass through JSON. The interpreter finds the same modules as this one, and sees the
    variables of ``environment`` beside ours. ``address_space_bytes`` limits what it may reserve, which many
    libraries do far beyond what they use. Raises a Fault, with what the function wrote as a note, where the
    function raises, runs out of memory or time, or answers with what JSON cannot hold.
    """
    with tempfile.TemporaryDirectory(prefix="andante-") as folder:
        answer = Path(folder) / "answer.json"
        order = {
            "target": target,
            "arguments": dict(arguments or {}),
            "address_space_bytes": address_space_bytes,
            "answer": str(answer),
        }
        run = _fresh_interpreter(order, timeout_s, environment or {})
        if run.returncode != 0 or not answer.exists():
            raise _failure(target, run.returncode, run.stdout)
        return Measurement(**json.loads(answer.read_text(encoding="utf-8")))


def ratio(ours: Measurement, theirs: Measurement) -> Ratio:
    """Set our measurement beside theirs.

    >>> ratio(Measurement(2.0, 3.0, 10, None), Measurement(6.0, 6.0, 40, None))
    Ratio(speed=3.0, speed_cpu=2.0, memory=0.25)
    """
    return Ratio(
        speed=theirs.seconds_wall / ours.seconds_wall,
        speed_cpu=theirs.seconds_cpu / ours.seconds_cpu,
        memory=ours.peak_rss_bytes / theirs.peak_rss_bytes,
    )


def machine() -> dict[str, Any]:
    """Return what the figures depend on: cores, memory, processor, Python and libraries. It names no host."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "cpu": _cpu_model(),
        "system": platform.system(),
        "python": platform.python_version(),
        "libraries": {name: version for name in _MEASURED_LIBRARIES if (version := _version(name))},
    }


def write_results(  # noqa: PLR0913  a result without its command, seed and commit cannot be had again
    name: str,
    figures: Sequence[Mapping[str, Any]],
    *,
    command: str,
    seed: int,
    commit: str,
    folder: Path = Path("docs/results"),
) -> tuple[Path, Path]:
    """Write figures, one mapping per row, as ``<name>.json`` and for readers ``<name>.md``; return both.

    Both say how to get the figures again: the command, the seed, the commit and the machine.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise Fault("name of results", name, "is no file name", "use small letters, digits, - and _")
    folder.mkdir(parents=True, exist_ok=True)
    origin = {"command": command, "seed": seed, "commit": commit, "machine": machine()}
    data, page = folder / f"{name}.json", folder / f"{name}.md"
    whole = {"name": name, **origin, "figures": [dict(row) for row in figures]}
    data.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    page.write_text(_page(name, figures, origin), encoding="utf-8")
    return data, page


def _fresh_interpreter(
    order: Mapping[str, Any], timeout_s: float | None, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    try:
        return subprocess.run(
            [sys.executable, "-m", "andante.benchmarks.measure"],
            input=json.dumps(order),
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        thing = f"measurement of {order['target']}"
        raise Fault(thing, f"{timeout_s} s", "took too long", "give it more time or less data") from late


def _failure(target: str, code: int, written: str) -> Fault:
    """Return the fault of a run that broke: its last words in the sentence, all of them as a note."""
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    last = next((line for line in reversed(written.splitlines()) if line.strip()), "no output")
    fault = Fault(f"measurement of {target}", last, how, "call the function by itself to see why")
    fault.add_note(written)
    return fault


def _answer(order: Mapping[str, Any]) -> None:
    """Make the call that was ordered, in this process, and write down what it cost."""
    if order["address_space_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_AS, (order["address_space_bytes"],) * 2)
    module, _, name = order["target"].partition(":")
    function = getattr(importlib.import_module(module), name)
    cpu, wall = _cpu_seconds(), time.perf_counter()
    result = function(**order["arguments"])
    measured = {
        "seconds_wall": time.perf_counter() - wall,
        "seconds_cpu": _cpu_seconds() - cpu,
        "peak_rss_bytes": _peak_rss_bytes(),
        "result": result,
    }
    Path(order["answer"]).write_text(json.dumps(measured), encoding="utf-8")


def _cpu_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _peak_rss_bytes() -> int:
    """Return the peak of this process plus that of its largest child.

    Linux carries ``ru_maxrss`` over from the process that started this one, so a small function measured from
    a large program would look large; the high-water mark of the process itself (VmHWM) does not.
    """
    unit = 1 if sys.platform == "darwin" else _KIB
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    status = Path("/proc/self/status")
    if status.exists():
        mark = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii", errors="replace"))
        if mark:
            return int(mark[1]) * _KIB + children
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit + children


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE)
        if model:
            return model[1].strip()
    return platform.processor() or platform.machine()


def _version(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def _page(name: str, figures: Sequence[Mapping[str, Any]], origin: Mapping[str, Any]) -> str:
    """Return results as Markdown: where they come from, then a table, or one for each ``table`` that rows name."""
    on = origin["machine"]
    libraries = ", ".join(f"{library} {version}" for library, version in on["libraries"].items())
    lines = [
        f"# {name}",
        "",
        f"`{origin['command']}`, seed {origin['seed']}, commit {origin['commit']}.",
        f"{on['cores']} cores ({on['cpu']}), {on['memory_gib']} GiB, {on['system']}, Python {on['python']},",
        f"{libraries}.",
    ]
    tables = groupby(figures, key=lambda row: row.get("table"))  # rows of a table of their own stand side by side
    return "\n".join([*lines, *(line for _, rows in tables for line in _table(list(rows)))]) + "\n"


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return [
        "",
        "| " + " | ".join(columns) + " |",
        "|" + "|".join(" --- " for _ in columns) + "|",
        *("| " + " | ".join(_cell(row.get(column)) for column in columns) + " |" for row in rows),
    ]


def _cell(value: Any) -> str:
    """Write one figure to be read: four significant digits, thousands apart, nothing where there is none."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value).replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    _answer(json.load(sys.stdin))
