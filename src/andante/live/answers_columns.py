"""Decisions as columns: what a table of requests is answered with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from andante.live.answers import decision_ids, reason_names
from andante.live.instants import CALENDAR_END_S
from andante.vocabulary.flow import NO_CHOICE
from andante.vocabulary.reason import Action

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from andante.live.instants import Int64s, UInt8s

NO_ROW = -1


@dataclass(frozen=True, slots=True)
class DecisionColumns:
    """One row a request, in order. Shape of every column [n]."""

    action: UInt8s  # codes of Action
    row: Int64s  # of the table that was given: the chosen candidate's; NO_ROW where none was chosen
    send_at: NDArray[np.datetime64]  # in seconds, UTC; NaT where it is suppressed
    reason: UInt8s  # codes of Reason: the one that binds
    refused: NDArray[np.uint32]  # a bit for every rule that refuses the chosen candidate, or all of them
    propensity: NDArray[np.float64]
    plan_per_week: NDArray[np.float32]
    by_default: NDArray[np.bool_]  # consent is the shop's default, and nobody's word
    position: Int64s  # in the log
    user: Int64s  # row number of the user's record
    log: str
    policy_version: str

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self.action)

    @property
    def sends(self) -> Int64s:
        """The rows of the candidates that go out now."""
        sends: Int64s = self.row[self.action == Action.SEND]
        return sends

    def decision_ids(self) -> list[str]:
        """Return the id of each decision, which outcomes come back with."""
        return decision_ids(self.log, self.position, self.user)

    def to_dict(self) -> dict[str, Any]:
        """Return columns with the names of the HTTP shape, for a table of pandas, polars or pyarrow."""
        names = np.array([action.name.lower() for action in sorted(Action)])
        by_default = self.by_default.tolist()
        return {
            "decision_id": self.decision_ids(),
            "action": names[self.action].tolist(),
            "row": self.row,
            "send_at": self.send_at,
            "reasons": [
                list(reason_names(*row))
                for row in zip(self.reason.tolist(), self.refused.tolist(), by_default, strict=True)
            ],
            "propensity": self.propensity,
            "plan_per_week": self.plan_per_week,
            "policy_version": [self.policy_version] * len(self),
        }


def decision_columns(  # noqa: PLR0913  what an answer holds
    first: Int64s,
    decided: NDArray[np.void],
    found: NDArray[np.void],
    *,
    positions: Int64s,
    users: Int64s,
    log: str,
    policy_version: str,
) -> DecisionColumns:
    """Return decisions [n] of DECISION, with the verdicts of all candidates [m], as columns."""
    chosen = decided["chosen"]
    row = np.where(chosen == NO_CHOICE, NO_ROW, first + chosen)
    refused = found["refused"][row] if len(found) else np.zeros(0, np.uint32)
    if len(first) and (none := np.flatnonzero(row == NO_ROW)).size:
        refused[none] = np.bitwise_or.reduceat(found["refused"], first)[none]
    action = decided["action"].copy()
    send_at = decided["send_at_s"].astype("datetime64[s]")
    send_at[(action == Action.SUPPRESS) | (decided["send_at_s"] > CALENDAR_END_S)] = np.datetime64("NaT")
    return DecisionColumns(
        action=action,
        row=row,
        send_at=send_at,
        reason=decided["reason"].copy(),
        refused=refused,
        propensity=decided["propensity"].copy(),
        plan_per_week=decided["plan_per_week"].copy(),
        by_default=decided["by_default"].astype(np.bool_),
        position=positions,
        user=users,
        log=log,
        policy_version=policy_version,
    )
