"""The compiler of the project kernels: numba without the interpreter and without counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from scheduling.solvers import jit

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: dict[str, bool] = {"nogil": True, "_nrt": False}


def njit(function: F) -> F:
    """Compile a kernel that allocates nothing, to run beside other threads.

    Reference counts of arrays are off: counting every array of every call, which kernels that
    allocate nothing can do without, made them five times as slow.
    """
    return jit.njit(**_OPTIONS)(function)
