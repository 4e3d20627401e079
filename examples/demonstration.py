"""Run ``andante run`` on prepared tables, as one would type it, and keep its figures when asked to."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "docs" / "results"


def demonstrate(name: str, arguments: list[str], out: Path, *, write: bool) -> None:
    """Run the command, show it, and with ``write`` keep the quality of its predictions under docs/results."""
    command = ["andante", "run", *arguments, "--out", str(out), "--name", name]
    print(f"\n$ {shlex.join(command)}", flush=True)
    subprocess.run([Path(sys.executable).parent / command[0], *command[1:]], check=True)
    if write:
        metrics = json.loads((out / "metrics.json").read_text("utf-8"))
        kept = {"command": shlex.join(command), "commit": _commit(), "seed": metrics["run"]["seed"]}
        kept |= {"targets": metrics["targets"], "plan": metrics["plan"]}
        path = RESULTS / f"interest-{out.name}.json"
        path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
        print(f"Kept: {path.relative_to(RESULTS.parents[1])}")


def _commit() -> str:
    """Name the commit that was run."""
    return subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
