"""Typed forms of numba's ``njit`` for kernels that call each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from scheduling.solvers import jit

# Inner kernels are kept on disk too: compiling that was cut off goes on behind the last of them.
_INNER: dict[str, bool] = {
    "nogil": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
_LEAN = {**_INNER, "_nrt": False}

_Kernel = TypeVar("_Kernel", bound=Callable[..., Any])


class njit:  # noqa: N801 - stands for numba's decorator and is used like it
    """Compilation modes of a kernel; each is a decorator that keeps the function's type."""

    @staticmethod
    def entry(function: _Kernel) -> _Kernel:
        """Compile a kernel that Python calls: releases the GIL, cached on disk."""
        return jit.njit(nogil=True)(function)

    @staticmethod
    def inner(function: _Kernel) -> _Kernel:
        """Compile a kernel that only kernels call: without the entry from Python."""
        return jit.njit(**_INNER)(function)

    @staticmethod
    def lean(function: _Kernel) -> _Kernel:
        """Compile an inner kernel that allocates nothing, without reference counting.

        The atomic increments that numba places around every call took more than half of the
        time of a tabu iteration.
        """
        return jit.njit(**_LEAN)(function)
