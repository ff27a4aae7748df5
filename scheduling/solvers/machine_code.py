"""What has been compiled on this machine: notes on disk, beside numba's machine code."""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

_LOG = logging.getLogger("scheduling")
_HERE = Path(__file__).parent
FOLDERS = tuple(sorted(_HERE.rglob("kernels")))
"""The folders of all families' kernels."""


def noted(group: str) -> bool:
    """Tell whether a group of kernels has been compiled on this machine, of these sources."""
    if jit_is_off():
        return True
    path = note_of(group)
    return path is not None and os.path.exists(path)  # noqa: PTH110 - no error where one may not look


def note(group: str) -> None:
    """Keep a note that a group has been compiled, in place of those of older sources."""
    path = note_of(group)
    if path is None or jit_is_off():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.glob(f"compiled-{group}-{_place()}-*"):
            old.unlink(missing_ok=True)
        path.touch()
    except OSError as error:
        _LOG.info("no note of the compilation can be kept in %s: %s", path.parent, error)


def note_of(group: str) -> Path | None:
    """Return the file that stands for a compiled group; ``None`` where nothing can be kept."""
    folder = folder_beside(_HERE)
    return None if folder is None else folder / f"compiled-{group}-{_place()}-{sources()}"


def folder_beside(home: Path) -> Path | None:
    """Return the folder that keeps what is compiled of the sources in one; ``None`` without one.

    Like numba: where the environment says, else beside the sources, else in the user's cache.
    numba would make a folder of the name ``~`` for users without a home.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen and _can_hold(Path(chosen)):
        return Path(chosen)
    if _can_hold(home / "__pycache__"):
        return home / "__pycache__"
    from numba.misc import appdirs

    of_users: Any = appdirs.AppDirs
    cache_folder = Path(of_users(appname="numba", appauthor=False).user_cache_dir)
    if cache_folder.parts[0] == "~" or not _can_hold(cache_folder):
        return None
    return cache_folder


@cache
def sources() -> str:
    """Return what tells the sources of all kernels, and what compiles them, from others."""
    stamp = hashlib.sha256(f"{version('numba')} {platform.python_version()}".encode())
    kernels = sorted(path for folder in FOLDERS for path in folder.glob("*.py"))
    for path in (_HERE / "jit.py", *kernels):
        stamp.update(path.name.encode() + b"\n" + path.read_bytes())
    return stamp.hexdigest()[:16]


def jit_is_off() -> bool:
    """Tell whether numba was told to compile nothing."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


@cache
def _place() -> str:
    """Return what tells this library, Python and processor from others that share a folder."""
    facts = (str(_HERE), sys.implementation.cache_tag, platform.machine(), _processor())
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8]


def _processor() -> str:
    """Return what the system says of a processor: machine code of another one is of no use."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            first = lines.read(16384).partition("\n\n")[0].splitlines()
    except OSError:
        return platform.processor()
    told = [line for line in first if line.startswith(("vendor", "model", "flags", "Features"))]
    return "\n".join([*told, os.environ.get("NUMBA_CPU_NAME", "")])


def _can_hold(folder: Path) -> bool:
    """Tell whether files can be made in a folder, or in the nearest one above that exists."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
