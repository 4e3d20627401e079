"""Index: what sending one candidate now is worth, in money, net of all that it costs.

The index of the methods, section D: ``c·v·p·(1 − A) + carry-over − h·loss − ∂V/∂F − κ − μ``.
"""

import numpy as np

from andante.compiled import kernel
from andante.pacing.response import Moment


@kernel
def index(moment: Moment, parameters: np.record, candidate: np.record) -> tuple[float, float]:  # noqa: ARG001  the moment was made of them
    """Return the index, in money, and the probability that the push is opened.

    A push brings ``c·v·p·(1 − A + carry-over)``: of an open's worth what the user's own visit would not have brought,
    and what later visits add. All that it costs is the same for every candidate of a moment.
    """
    relevant = moment.open * moment.hour * np.float64(candidate.relevance)
    opened = min(relevant * moment.pressure, 1.0)
    brings = moment.conversion * np.float64(candidate.value) * opened * moment.gain
    return brings - moment.cost, opened
