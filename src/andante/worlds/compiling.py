"""How the worlds' kernels are compiled: apart from the engine's, and with a cache that no change of a kernel outlives.

Numba keys a cached function by its own file alone. So only what Python calls is cached, closed over a digest of all
sources of the worlds: a change of any of them compiles anew (decision record 9 argues this for the engine).
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from numba import njit

Answer = TypeVar("Answer")


def kernel(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Compile a function that only other compiled code calls. Division by zero gives inf or nan, as in NumPy."""
    compiled: Callable[..., Answer] = njit(nogil=True, error_model="numpy")(function)
    return compiled


def entry(make: Callable[[str], Callable[..., Any]]) -> Any:
    """Compile and cache what ``make`` returns: a function that Python calls, closed over the digest it is given."""
    return njit(nogil=True, error_model="numpy", cache=True)(make(_digest()))


def _digest() -> str:
    """Return a digest of the sources of the worlds."""
    digest = hashlib.blake2b(digest_size=8)
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()
