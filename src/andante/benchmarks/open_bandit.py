"""Our off-policy estimators beside those of the peer ``obp``, on the Open Bandit sample that the peer brings.

Both sides judge the same policy (Thompson sampling as the peer simulates it from its own priors) on the same random
log, with the same expected clicks. And since the sample holds a log of Thompson sampling as it was, every estimate has
a known answer to be near: the click rate of that log.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from andante.evaluation.offpolicy import estimators, overlap
from andante.evaluation.offpolicy.decisions import Decisions
from andante.evaluation.offpolicy.estimators import Estimate
from andante.evaluation.offpolicy.open_bandit import CAMPAIGNS, load

SWITCH = 3.0
"""Above this weight SWITCH-DR believes the model: a few per cent of the decisions."""
SEED = 12345
"""The seed of the peer's own examples."""

PEER = "obp 0.4.1"


def agreement(python: Path, *, folder: Path | None = None) -> dict[str, Any]:
    """Ask the peer by its own interpreter, and return its answer: what tests hold our figures against.

    ``python`` is the interpreter of an environment with ``obp`` (``requirements/peer-obp.txt``).
    """
    expected = {name: load(name, "random", folder=folder).expectations().tolist() for name in CAMPAIGNS}
    order = {"campaigns": CAMPAIGNS, "expected": expected, "switch": SWITCH, "seed": SEED}
    script = Path(__file__).parent / "peers" / "open_bandit.py"
    done = subprocess.run(
        [python, "-E", "-s", script], input=json.dumps(order), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stderr)
        done.check_returncode()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def open_bandit(peer: Mapping[str, Any], *, folder: Path | None = None) -> list[dict[str, Any]]:
    """Estimate Thompson sampling's click rate from the random log, print a table, and return a row for each estimate.

    ``peer`` is the peer's answer (``agreement``). The policy is judged as the peer simulates it, and as its own log
    shows it; the first is what the peer's estimates can be compared with.
    """
    rows = []
    for campaign in CAMPAIGNS:
        log, other = load(campaign, "random", folder=folder), load(campaign, "bts", folder=folder)
        theirs = peer["campaigns"][campaign]
        policies = {"simulated": np.array(theirs["policy"]), "as logged": other.frequencies()}
        for name, policy in policies.items():
            judged = log.decisions(policy, expected=log.expectations())
            for found in estimates(judged, peer["switch"]):
                rows.append({"campaign": campaign, "policy": name, **asdict(found), **_truth(found, other.click)})
                if name == "simulated":
                    rows[-1]["peer"] = theirs["estimates"][found.method]
                rows[-1]["verdict"] = overlap.verdict(overlap.diagnose(judged)).answer
    _show(rows)
    return rows


def estimates(judged: Decisions, switch: float) -> list[Estimate]:
    """Return the estimate of every estimator that both sides have."""
    return [
        estimators.ips(judged),
        estimators.snips(judged),
        estimators.direct(judged),
        estimators.doubly_robust(judged),
        estimators.switch_doubly_robust(judged, switch=switch),
    ]


def _truth(found: Estimate, clicks: Any) -> dict[str, Any]:
    rate = float(clicks.mean())
    return {"clicked": rate, "clicks": int(clicks.sum()), "within": bool(found.low <= rate <= found.high)}


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(title="Clicks per 1,000 that Thompson sampling would have had, read from the random log")
    for heading in ("campaign", "policy", "by", "estimate", "from", "to", "clicked", "within", f"{PEER} differs by"):
        table.add_column(heading, justify="left" if heading in {"campaign", "policy", "by", "within"} else "right")
    for row in rows:
        figures = [f"{1000 * row[name]:.2f}" for name in ("value", "low", "high", "clicked")]
        apart = f"{abs(row['value'] - row['peer']):.0e}" if "peer" in row else ""
        names = [row["campaign"], row["policy"], row["method"]]
        table.add_row(*names, *figures, "yes" if row["within"] else "no", apart)
    Console().print(table)
