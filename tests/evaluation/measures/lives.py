"""Lives made by hand: columns by user and week, quiet unless said."""

import numpy as np

from andante.worlds.contract import Lived


def life(users=4, weeks=2, **columns):
    """Users who are all there, get and do nothing; ``columns`` replace what is given."""
    shape = (users, weeks)
    quiet = {
        "sends": np.zeros(shape, np.uint16),
        "opens": np.zeros(shape, np.uint16),
        "visits": np.zeros(shape, np.uint16),
        "orders": np.zeros(shape, np.uint16),
        "value": np.zeros(shape, np.float32),
        "night_sends": np.zeros(shape, np.uint16),
        "complaints": np.zeros(shape, np.uint16),
        "rating_sum": np.zeros(shape, np.float32),
        "ratings": np.zeros(shape, np.uint16),
        "subscribed": np.ones(shape, bool),
        "installed": np.ones(shape, bool),
        "present": np.ones(shape, bool),
        "undelivered": np.zeros(users, np.int64),
        "band_low": np.full(users, 2.0),
        "band_high": np.full(users, 4.0),
    }
    given = {name: np.asarray(column).astype(quiet[name].dtype) for name, column in columns.items()}
    return Lived(**(quiet | given))


def pushed(k, gain, users=400, weeks=4, seed=1):
    """Users pushed k times a week, who bring `gain` a week more than the same users without a push."""
    own = np.random.default_rng(seed).exponential(5, (users, weeks))
    return life(users, weeks, sends=np.full((users, weeks), k), value=own + gain)
