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


def njit(**options: bool) -> Callable[[F], F]:
    """Return a decorator that has numba compile a kernel without the interpreter.

    Parameters
    ----------
    options
        Those of ``numba.njit``. Its ``cache`` is not needed: machine code is always kept, and where
        it cannot be, or what was kept cannot be read, the kernel is compiled once a process.
    """

    def decorate(function: F) -> F:
        dispatcher: Any = _NJIT(**options)(function)
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

    return decorate


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
