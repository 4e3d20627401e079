"""The loop over records: any sharing of the work, compiled or not, gives the same bytes."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from step_world import busy

from andante.engine.batch import fold


def test_two_threads_do_what_one_does() -> None:
    one, stream, offered = busy(40, 20_000, seed=1)
    two, _, _ = busy(40, 20_000, seed=1)
    alone = fold(one.users, stream, offered, one.parameters, one.zones)
    shared = fold(two.users, stream, offered, two.parameters, two.zones, threads=2)
    assert one.users.tobytes() == two.users.tobytes()
    for mine, theirs in zip(alone, shared, strict=True):
        assert mine.tobytes() == theirs.tobytes()
    assert np.bincount(alone.decisions["action"]).min() > 100


def test_many_records_at_once_are_as_many_one_by_one() -> None:
    whole, stream, offered = busy(10, 2_000, seed=2)
    single, _, _ = busy(10, 2_000, seed=2)
    fold(whole.users, stream, offered, whole.parameters, whole.zones)
    for place in range(len(stream)):
        record = stream[place : place + 1].copy()
        first, count = int(record["first"][0]), int(record["count"][0])
        record["first"] = 0
        fold(single.users, record, offered[first : first + count], single.parameters, single.zones)
    assert whole.users.tobytes() == single.users.tobytes()


def test_a_log_may_be_replayed_from_any_earlier_place() -> None:
    world, stream, offered = busy(10, 2_000, seed=3)
    fold(world.users, stream, offered, world.parameters, world.zones)
    end = world.users.tobytes()
    fold(world.users, stream[700:], offered, world.parameters, world.zones)
    assert world.users.tobytes() == end


@pytest.mark.parametrize("seed", [4, 5])
def test_plain_python_gives_the_same_bits_as_the_compiler(seed: int) -> None:
    script = f"""
        import hashlib
        from step_world import busy
        from andante.engine.batch import fold
        world, stream, offered = busy(12, 1_500, seed={seed})
        stepped = fold(world.users, stream, offered, world.parameters, world.zones)
        digest = hashlib.sha256(world.users.tobytes())
        for part in stepped:
            digest.update(part.tobytes())
        print(digest.hexdigest())
    """
    digests = {
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            env={"NUMBA_DISABLE_JIT": disabled, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for disabled in ("0", "1")
    }
    assert len(digests) == 1
