"""Asking memory for a record before it is needed."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

LINE_BYTES = 64
_WRITE, _KEEP, _DATA = 1, 3, 1  # operands of llvm.prefetch: will be written, into every cache, data


def prefetch(users: NDArray[Any], row: np.integer) -> None:
    """Have all cache lines of ``users[row]`` fetched; uncompiled, do nothing. A hint: no value depends on it."""


@overload(prefetch)
def _compiled(users: Any, row: Any) -> Any:  # noqa: ARG001  numba matches overloads by their parameters
    width = users.dtype.size

    def fetch(users: Any, row: Any) -> None:
        address = users.ctypes.data + row * width
        for line in range(0, width, LINE_BYTES):
            _fetch_line(address + line)

    return fetch


@intrinsic
def _fetch_line(typing_context: Any, address: Any) -> Any:  # noqa: ARG001  numba's protocol of intrinsics
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        byte, word = ir.IntType(8), ir.IntType(32)
        pointer = builder.inttoptr(arguments[0], byte.as_pointer())
        shape = ir.FunctionType(ir.VoidType(), [pointer.type, word, word, word])
        name = "llvm.prefetch.p0"
        function = builder.module.globals.get(name) or ir.Function(builder.module, shape, name)
        builder.call(function, [pointer, word(_WRITE), word(_KEEP), word(_DATA)])
        return context.get_dummy_value()

    return types.void(types.intp), generate
