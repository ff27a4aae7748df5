"""What a process may use of its machine: cores, memory, GPUs; limits of containers count."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_NO_LIMIT = 2**60
"""Bytes from which on version 1 of control groups means that there is no limit."""

_PATIENCE = 20.0
"""Seconds that nvidia-smi may take."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Processors of a machine, and what a process may use of them.

    Attributes
    ----------
    present
        Processors that the system shows.
    allowed
        Those that the process may run on: its affinity.
    quota
        Processors' worth of time that its control group may take; ``None`` without a limit.
    """

    present: int
    allowed: int
    quota: float | None

    @property
    def usable(self) -> int:
        """Threads that can run at one time; at least 1."""
        if self.quota is None:
            return self.allowed
        return max(1, min(self.allowed, math.ceil(self.quota)))


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a machine, and what a process may use of it.

    Attributes
    ----------
    total_bytes
        What the system has; ``None`` where it does not tell.
    limit_bytes
        What its control group may take; ``None`` without a limit.
    """

    total_bytes: int | None
    limit_bytes: int | None

    @property
    def usable_bytes(self) -> int | None:
        """The smaller of both; ``None`` when neither is known."""
        return min((n for n in (self.total_bytes, self.limit_bytes) if n is not None), default=None)


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as its driver names it; memory in bytes, ``None`` where it has none of its own."""

    name: str
    memory_bytes: int | None
    driver: str


def cores(root: Path = Path("/")) -> Cores:
    """Return the processors that this process may use.

    Parameters
    ----------
    root
        Where ``proc`` and ``sys`` lie.
    """
    present = os.cpu_count() or 1
    affinity = getattr(os, "sched_getaffinity", None)
    allowed = present if affinity is None else len(affinity(0))
    return Cores(present, allowed, _quota(root))


def usable_cores() -> int:
    """Return how many threads can run at one time: affinity and limits of containers count."""
    return cores().usable


def memory(root: Path = Path("/")) -> Memory:
    """Return the memory that this process may use.

    Parameters
    ----------
    root
        Where ``proc`` and ``sys`` lie.
    """
    limits = [
        int(text)
        for folder in _groups(root, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
        if (text := _text(folder / name)).isdigit()
    ]
    bounded = [limit for limit in limits if limit < _NO_LIMIT]
    return Memory(_total_bytes(), min(bounded, default=None))


def gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that NVIDIA's driver shows; none where it is not installed.

    Raises
    ------
    OSError
        When the driver's tool is there and fails; the message says how.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    fields = "--query-gpu=name,memory.total,driver_version"
    command = [tool, fields, "--format=csv,noheader,nounits"]
    try:
        ran = subprocess.run(  # noqa: S603 - a fixed call of a tool on the path
            command, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"nvidia-smi did not answer in {_PATIENCE:g} seconds") from None
    if ran.returncode:
        raise OSError((ran.stdout + ran.stderr).strip() or f"exit code {ran.returncode}")
    return tuple(_gpu(line) for line in ran.stdout.splitlines() if line.strip())


def _gpu(line: str) -> Gpu:
    name, mebibytes, driver = (part.strip() for part in line.rsplit(",", 2))
    return Gpu(name, int(mebibytes) * 2**20 if mebibytes.isdigit() else None, driver)


def _quota(root: Path) -> float | None:
    """Return the least of the limits on processors' time, of all control groups above us."""
    found = []
    for folder in _groups(root, "cpu"):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        if not quota:
            quota = _text(folder / "cpu.cfs_quota_us")
            period = _text(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period):
            found.append(int(quota) / int(period))
    return min(found, default=None)


def _groups(root: Path, controller: str) -> list[Path]:
    """Return the folders of the control groups that hold this process, the innermost first."""
    folders = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            top = root / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            top = root / "sys/fs/cgroup" / controller
        else:
            continue
        inner = top / path.lstrip("/")
        # In a container the path may be the host's, of which only the top is seen.
        folders += [inner, *(parent for parent in inner.parents if parent.is_relative_to(top))]
    return folders


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _total_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
