"""Migration: records of every layout that was ever written are read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from step_world import busy

from andante.engine.batch import fold
from andante.engine.migration import LAYOUTS, read_states
from andante.vocabulary.fault import StoreUnreadable
from andante.vocabulary.state import NO_DIAL, USER

GOLDEN = Path(__file__).parent / "golden"


def test_the_layout_is_the_one_that_was_committed() -> None:
    """Who changes USER moves the old layout to LAYOUTS, and commits the new one beside it under its width."""
    described = [
        [name, USER.fields[name][0].base.str, USER.fields[name][0].shape, USER.fields[name][1]] for name in USER.names
    ]
    assert json.loads(json.dumps(described)) == json.loads((GOLDEN / f"user-{USER.itemsize}.json").read_text())


def test_every_layout_has_a_width_of_its_own() -> None:
    assert len({layout.itemsize for layout in LAYOUTS}) == len(LAYOUTS)
    assert USER in LAYOUTS


def test_records_of_an_older_layout_are_read_field_by_field_and_go_on() -> None:
    world, stream, offered = busy(20, 3_000, seed=8)
    fold(world.users, stream[:2_000], offered, world.parameters, world.zones)
    dropped = {"max_per_day", "adjustment"}
    fields = [(name, USER.fields[name][0]) for name in reversed(USER.names) if name not in dropped]
    older = np.dtype([*fields, ("gone", "u8")], align=True)
    written = np.zeros(len(world.users), older)
    for name, _ in fields:
        written[name] = world.users[name]
    read = read_states(written.view(np.uint8).reshape(len(written), -1), (USER, older))
    for name in USER.names:
        expected = world.users[name] if name not in dropped else {"max_per_day": NO_DIAL, "adjustment": 0.0}[name]
        np.testing.assert_array_equal(read[name], expected)
    after = fold(read, stream[2_000:], offered, world.parameters, world.zones)
    same = fold(world.users, stream[2_000:], offered, world.parameters, world.zones)
    assert after.decisions.tobytes() == same.decisions.tobytes()


def test_records_of_a_width_that_was_never_written_are_refused() -> None:
    with pytest.raises(StoreUnreadable, match="17 bytes each"):
        read_states(np.zeros((2, 17), np.uint8))
