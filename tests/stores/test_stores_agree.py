"""Both stores are one: whatever is committed, and however it fails, they hold the same."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from andante.stores.contract import Commit, Row
from andante.stores.memory import MemoryStore
from andante.stores.sqlite import SqliteStore
from andante.testing.store_contract import everything, flat, key, states
from andante.vocabulary.fault import StoreFault

SMALL = st.integers(0, 6)
INSTANTS = st.integers(-(2**40), 2**50)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def some(*parts, size=3):
    return st.lists(st.tuples(*parts), max_size=size)


ROWS = st.lists(
    st.builds(Row, st.integers(1, 60), st.integers(1, 8), SMALL, INSTANTS, st.none() | SMALL, TEXT), max_size=5
)
COMMITS = st.builds(
    Commit,
    rows=ROWS | ROWS.map(lambda rows: sorted(rows, key=lambda row: row.position)),
    users=some(SMALL, TEXT, size=2),
    names=some(st.sampled_from(["zone", "channel"]), SMALL, TEXT, size=2),
    keys=some(st.integers(0, 199).map(key), SMALL.map(key), st.integers(1, 60), INSTANTS, size=2),
    preferences=some(SMALL, TEXT, TEXT, INSTANTS),
    waiting=some(st.integers(1, 60), SMALL, INSTANTS),
    settled=st.lists(st.integers(1, 60), max_size=3),
    states=some(SMALL, st.integers(1, 60), st.binary(min_size=1, max_size=8)),
    replay_from=st.none() | st.integers(0, 60),
    meta=st.dictionaries(st.sampled_from(["log_name", "parameters"]), TEXT),
)
CUTS = st.tuples(st.integers(0, 60), some(SMALL, st.integers(1, 60), st.binary(min_size=1, max_size=8)))
ACTS = st.lists(COMMITS | CUTS | INSTANTS | st.just("reopen"), max_size=8)


def act(store, what):
    """Do one thing to a store, and say how it went."""
    try:
        if isinstance(what, Commit):
            store.append(what)
            return None
        return store.prune_keys(what) if isinstance(what, int) else store.retain(what[0], dict_of(what[1]))
    except StoreFault:
        return "refused"


def dict_of(base):
    """Return base states with one state a user, as the contract wants them."""
    return [(user, position, state) for user, (position, state) in {each[0]: each[1:] for each in base}.items()]


@settings(max_examples=30, deadline=None)
@given(ACTS)
def test_the_store_in_memory_and_the_one_in_sqlite_hold_the_same(acts):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.db"
        memory, sqlite = MemoryStore(), SqliteStore.open(path)
        sqlite._writer.execute("PRAGMA synchronous = OFF")  # nothing crashes here
        try:
            for what in acts:
                if what == "reopen":
                    sqlite.close()
                    memory, sqlite = memory.reopened(), SqliteStore.open(path)
                else:
                    assert act(memory, what) == act(sqlite, what)
                assert everything(memory) == everything(sqlite)
                assert memory.base()[0] == sqlite.base()[0]
                assert states(memory.base()[1]) == states(sqlite.base()[1])
                assert flat(memory.read(3, 40, chunk=2)) == flat(sqlite.read(3, 40, chunk=2))
        finally:
            sqlite.close()
