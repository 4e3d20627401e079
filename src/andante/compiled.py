"""How the step is compiled: one way for every kernel, and a cache on disk that no change of any of them outlives.

Numba keys its cache by the file of the cached function alone, so a cached function would go on calling yesterday's
version of a rule that lives in another file. Therefore kernels are never cached by themselves; the few entry points
that Python calls are, and a digest of all sources below them is part of their key.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numba import config, njit
from numpy.typing import NDArray

Answer = TypeVar("Answer")

ROOMS = ("compiled.py", "draw.py", "exponential.py", "vocabulary", "zones", "rules", "pacing", "engine")
"""Where compiled code, and the constants in it, come from."""


def kernel(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Compile a function that only other compiled code calls. Division by zero gives inf or nan, as in NumPy."""
    compiled: Callable[..., Answer] = njit(nogil=True, error_model="numpy")(function)
    return compiled


def entry(make: Callable[[str], Callable[..., Any]]) -> Any:
    """Compile and cache what ``make`` returns: a function that Python calls, closed over the digest it is given.

    What a function is closed over is part of Numba's cache key, which is the point: it must use the digest.
    """
    return njit(nogil=True, error_model="numpy", cache=True)(make(sources_digest()))


def as_records(array: NDArray[np.void]) -> NDArray[np.void]:
    """Return an array whose rows have their fields as attributes.

    Compiled code sees any array of records so, plain Python only these.
    """
    return array.view(np.recarray) if config.DISABLE_JIT else array


def sources_digest() -> str:
    """Return a digest of the sources of every compiled room.

    >>> len(sources_digest())
    16
    """
    here = Path(__file__).parent
    digest = hashlib.blake2b(digest_size=8)
    for room in ROOMS:
        place = here / room
        for source in sorted(place.glob("*.py")) if place.is_dir() else [place]:
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()
