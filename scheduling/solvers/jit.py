"""numba's ``njit`` for kernels, whose machine code is kept on disk where that can be.

Importing this module loads numba.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import caching

from scheduling.solvers import machine_code

_LOG = logging.getLogger("scheduling")
_NJIT: Any = numba.njit
_FunctionCache: Any = caching.FunctionCache
_IndexDataCacheFile: Any = caching.IndexDataCacheFile
F = TypeVar("F", bound=Callable[..., Any])

UNKEPT: set[str] = set()
"""Kernels of this process whose machine code could not be kept."""

KEPT_ONE: list[Callable[[], None]] = []
"""Called when a kernel has been compiled and kept."""


class njit:  # noqa: N801 - stands for numba's decorator and is used like it
    """How a kernel is compiled; each way is a decorator that keeps the function's type.

    Machine code is always kept on disk, that of inner kernels too: compiling that was cut off goes
    on behind the last of them. Where it cannot be kept, or what was kept cannot be read, a kernel
    is compiled once a process.
    """

    @staticmethod
    def entry(function: F) -> F:
        """Compile a kernel that Python calls, to run beside other threads."""
        return _compiled(function)

    @staticmethod
    def lean_entry(function: F) -> F:
        """Compile a kernel that Python calls and that allocates nothing: see :meth:`lean`."""
        return _compiled(function, _nrt=False)

    @staticmethod
    def inner(function: F) -> F:
        """Compile a kernel that only kernels call: what Python would enter by is left out.

        That is an eighth of what is to be compiled. Called from Python, such a kernel fails.
        """
        return _compiled(function, no_cpython_wrapper=True)

    @staticmethod
    def lean(function: F) -> F:
        """Compile an inner kernel that allocates nothing, without reference counting.

        The atomic increments that numba places around every call took more than half of the time
        of a tabu iteration.
        """
        return _compiled(function, no_cpython_wrapper=True, _nrt=False)


def _compiled(function: F, **options: bool) -> F:
    # Nothing calls kernels as functions of C, which numba would make of each as well.
    dispatcher: Any = _NJIT(nogil=True, no_cfunc_wrapper=True, **options)(function)
    if dispatcher is function:  # Told to compile nothing.
        return function
    try:
        if machine_code.folder_beside(Path(function.__code__.co_filename).parent) is None:
            raise RuntimeError("no folder can be written")
        dispatcher._cache = _Kept(function)
    except (RuntimeError, OSError) as error:
        _cannot_keep(function, error)
    kernel: F = dispatcher
    return kernel


class _Kept(_FunctionCache):  # type: ignore[misc] # numba states no types of it
    """numba's cache, which ends no search when its files are broken or the disk is full.

    numba looks only at the file of each kernel itself, but what it inlines may stand in others:
    here machine code is that of all sources of kernels together.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        base = self._impl.filename_base
        self._cache_file = _IndexDataCacheFile(self._cache_path, base, machine_code.sources())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was kept for a signature; ``None`` when that is nothing or cannot be read."""
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # noqa: BLE001 - unpickling broken bytes raises anything
            _LOG.info("kept machine code of %s cannot be read: %r", self._py_func.__name__, error)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature, if that can be."""
        try:
            try:
                super().save_overload(sig, data)
            except Exception:  # noqa: BLE001 - an index that cannot be read is begun anew
                self.flush()
                super().save_overload(sig, data)
        except OSError as error:
            _cannot_keep(self._py_func, error)
        for call in KEPT_ONE:
            call()


def _cannot_keep(function: Callable[..., Any], error: Exception) -> None:
    if not UNKEPT:
        _LOG.warning("compiled kernels cannot be kept on this machine: %s", error)
    UNKEPT.add(f"{function.__module__}.{function.__qualname__}")
