"""Compiling kernels once, before any clock runs.

numba compiles a kernel when it is first called and keeps the machine code on disk. A first call
within a short time limit would be cut off before that, every time anew; so solvers ask here first.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

_LOG = logging.getLogger("scheduling")
_LOCK = threading.Lock()
_DONE: set[str] = set()
_HERE = Path(__file__).parent
_KERNELS = tuple(sorted(_HERE.rglob("kernels")))
"""The folders of all families' kernels."""


def ensure_compiled(group: str, compile_kernels: Callable[[], None]) -> None:
    """Compile a group of kernels unless that has been done on this machine.

    Parameters
    ----------
    group
        What the kernels are for, such as ``"jobshop"``: one name for each group.
    compile_kernels
        Calls each of them once.

    Notes
    -----
    The first call after an installation takes up to a minute and logs that; later calls cost a
    look at the disk.
    """
    with _LOCK:
        if group in _DONE:
            return
        marker = _marker(group)
        if not marker.exists():
            _drop_stale(group)
            _LOG.warning("compiling the %s kernels, once; this takes up to a minute", group)
            began = time.monotonic()
            compile_kernels()
            _LOG.info("compiled the %s kernels in %.1f s", group, time.monotonic() - began)
            _touch(marker)
        _DONE.add(group)


def _marker(group: str) -> Path:
    """Return the file that stands for compiled kernels of exactly these sources."""
    sources = sorted(path for folder in _KERNELS for path in folder.glob("*.py"))
    stamp = hashlib.sha256()
    for path in sources:
        facts = path.stat()
        stamp.update(f"{path.name} {facts.st_mtime_ns} {facts.st_size}\n".encode())
    stamp.update(f"{version('numba')} {platform.python_version()} {platform.machine()}".encode())
    return _folder() / f"compiled-{group}-{stamp.hexdigest()[:16]}"


def _drop_stale(group: str) -> None:
    """Remove machine code of other sources: numba looks only at the file of each kernel itself."""
    stale = list(_folder().glob(f"compiled-{group}-*"))
    if stale:
        code = [path for folder in _KERNELS for path in (folder / "__pycache__").glob("*.nb?")]
        for path in (*code, *_folder().glob("compiled-*")):
            path.unlink(missing_ok=True)


def _folder() -> Path:
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    beside = _HERE / "__pycache__"
    if os.access(beside if beside.exists() else _HERE, os.W_OK):
        return beside
    return Path.home() / ".cache" / "scheduling"


def _touch(marker: Path) -> None:
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    except OSError:
        _LOG.info("no note of the compilation can be kept in %s", marker.parent)
