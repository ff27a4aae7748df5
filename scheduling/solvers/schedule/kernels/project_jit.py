"""The compiler of the project kernels: numba without the interpreter and without counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "_nrt": False}


def njit(function: F) -> F:
    """Compile a kernel that allocates nothing, to be cached and to run beside other threads.

    Reference counts of arrays are off: counting every array of every call, which kernels that
    allocate nothing can do without, made them five times as slow.
    """
    compiled: F = numba.njit(**_OPTIONS)(function)
    return compiled
