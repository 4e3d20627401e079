"""Migration: records that an older version wrote, read as those of this one.

A field keeps its name and its meaning for ever; a new layout adds fields, or leaves some out. So what an older
version wrote is read field by field, and what it did not know begins as it does for a user of whom nothing is known.
A layout is told by its width, so a file may hold records of several while they are rewritten one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from andante.vocabulary.fault import StoreUnreadable
from andante.vocabulary.state import USER, new_users

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

LAYOUTS: Sequence[np.dtype[np.void]] = (USER,)
"""Every layout that was ever written, each of another width. Before USER changes, the old one goes in here."""


def read_states(states: NDArray[np.uint8], layouts: Sequence[np.dtype[np.void]] = LAYOUTS) -> NDArray[np.void]:
    """Return states (n, bytes), in any layout that was ever written, as records (n,) of USER.

    Raises StoreUnreadable for a width that no layout has.
    """
    layout = next((one for one in layouts if one.itemsize == states.shape[1]), None)
    if layout is None:
        widths = ", ".join(str(one.itemsize) for one in layouts)
        raise StoreUnreadable(
            "users' records",
            f"{states.shape[1]} bytes each",
            f"were written by another Andante (this one reads {widths})",
            "open the log with the version of Andante that wrote it, or a newer one",
        )
    written = states.view(layout)[:, 0]
    if layout == USER:
        return written
    users = new_users(len(written))
    for name in set(USER.names or ()) & set(layout.names or ()):
        users[name] = written[name]
    return users
