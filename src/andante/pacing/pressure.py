"""Pressure: the fatigue and the habituation that pushes leave behind.

Both rise by one with every push and halve with time: fatigue in days, habituation in weeks. They stand as they were
at an anchor, the latest push, so the order in which pushes are booked does not matter.
"""

import numpy as np

from andante.compiled import kernel
from andante.exponential import halved


@kernel
def pressed(user: np.record, parameters: np.record, at_s: int) -> tuple[float, float]:
    """Return fatigue and habituation at this second, in pushes: what is left of one push that just went out is 1.

    Before the anchor the pressure is that of the anchor: a push that is booked counts, whatever the clock says.
    """
    elapsed_s = max(np.int64(at_s) - np.int64(user.pressure_anchor_s), np.int64(0))
    fatigue = np.float64(user.fatigue) * halved(elapsed_s, parameters.fatigue_half_life_s)
    habituation = np.float64(user.habituation) * halved(elapsed_s, parameters.habituation_half_life_s)
    return fatigue, habituation


@kernel
def press(user: np.record, parameters: np.record, at_s: int) -> None:
    """Add one push that went out at this second."""
    sent_s, anchor_s = np.int64(at_s), np.int64(user.pressure_anchor_s)
    fatigue, habituation = pressed(user, parameters, sent_s)
    late_s = max(anchor_s - sent_s, np.int64(0))
    user.fatigue = fatigue + halved(late_s, parameters.fatigue_half_life_s)
    user.habituation = habituation + halved(late_s, parameters.habituation_half_life_s)
    user.pressure_anchor_s = max(anchor_s, sent_s)
