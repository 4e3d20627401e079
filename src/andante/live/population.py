"""The users: their ids, and their records side by side in memory."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from andante.live.hashing import user_key
from andante.vocabulary.state import USER, new_users

_FIRST_ROOM = 1024
_GROWTH = 1.5
_BLANK = new_users(1)[0]
_RAW = np.dtype(f"V{USER.itemsize}")


class Population:
    """User ids by row, and one array with the record of each.

    A row number is given once and never again: the log names users by it. The array moves when it grows, so it is
    read anew after every call that may add a user.
    """

    def __init__(self) -> None:
        """Begin with nobody."""
        self.ids: list[str] = []
        self._rows: dict[str, int] = {}
        self._users = np.zeros(0, USER)

    def __len__(self) -> int:
        """Return the number of users."""
        return len(self.ids)

    @property
    def users(self) -> NDArray[np.void]:
        """The records (users,) of USER, to be stepped in place."""
        return self._users[: len(self.ids)]

    @property
    def raw(self) -> NDArray[np.void]:
        """The same records as bytes without fields, which are copied in a piece."""
        return self._users[: len(self.ids)].view(_RAW)

    def row(self, user_id: str) -> int | None:
        """Return the row of a user, or None."""
        return self._rows.get(user_id)

    def rows(self, user_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the rows of users, adding those who are new; ``ids[n:]`` are then the new ones."""
        rows = list(map(self._rows.get, user_ids))
        if None in rows:
            rows = [self._add(user_ids[place]) if row is None else row for place, row in enumerate(rows)]
        return np.array(rows, np.int64)

    def forget(self, count: int) -> None:
        """Take back all users but the first ``count``: their addition was never committed."""
        for user_id in self.ids[count:]:
            del self._rows[user_id]
        del self.ids[count:]

    def restore(self, ids: list[str]) -> None:
        """Take over the users of a log, all with new records that have no key yet."""
        self.ids = ids
        self._rows = dict(zip(ids, range(len(ids)), strict=True))
        self._users = new_users(len(ids))

    def load(self, rows: NDArray[np.int64], states: NDArray[np.void]) -> None:
        """Put checkpoints (n,) of USER in the place of records."""
        self._users.view(_RAW)[rows] = states.view(_RAW)

    def give_keys(self) -> None:
        """Give every record without one the key of its user."""
        for row in np.flatnonzero(self.users["key"] == 0):
            self._users[row]["key"] = user_key(self.ids[row])

    def _add(self, user_id: str) -> int:
        row = self._rows.get(user_id)
        if row is not None:
            return row
        row = len(self.ids)
        if row == len(self._users):
            # The allocator moves pages of a large block, not bytes; views of the old block must not outlive this.
            self._users.resize(max(_FIRST_ROOM, int(row * _GROWTH)), refcheck=False)
        self._users[row] = _BLANK
        self._users[row]["key"] = user_key(user_id)
        self.ids.append(user_id)
        self._rows[user_id] = row
        return row
