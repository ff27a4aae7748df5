"""Limits of control groups of both versions, and GPUs as the driver's tool prints them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from scheduling.machine import Cores, Gpu, Memory, cores, gpus, memory, usable_cores

GIB = 2**30


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    return root


def test_version_2_takes_the_least_limit_of_all_groups_above(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/pods/one\n",
            "sys/fs/cgroup/pods/one/cpu.max": "max 100000\n",
            "sys/fs/cgroup/pods/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/pods/one/memory.max": f"{3 * GIB}\n",
            "sys/fs/cgroup/pods/memory.max": f"{2 * GIB}\n",
        },
    )
    assert cores(root).quota == 1.5
    assert memory(root).limit_bytes == 2 * GIB


def test_version_1_inside_a_container_is_read_at_the_top(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    )
    assert cores(root).quota == 0.5
    assert memory(root).limit_bytes is None


def test_nothing_known_is_no_limit(tmp_path: Path) -> None:
    assert cores(tmp_path).quota is None
    assert memory(tmp_path).limit_bytes is None
    assert usable_cores() >= 1


@pytest.mark.parametrize(("quota", "usable"), [(None, 8), (0.2, 1), (1.5, 2), (64.0, 8)])
def test_usable_cores_are_whole_and_at_least_one(quota: float | None, usable: int) -> None:
    assert Cores(16, 8, quota).usable == usable


def test_usable_memory_is_the_smaller_one() -> None:
    assert Memory(8 * GIB, 2 * GIB).usable_bytes == 2 * GIB
    assert Memory(None, None).usable_bytes is None


def tool(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))


def test_gpus_are_those_of_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == ()
    lines = "echo 'NVIDIA H200, 143771, 570.1'; echo 'NVIDIA GB10, [N/A], 570.1'"
    tool(tmp_path, lines, monkeypatch)
    assert gpus() == (
        Gpu("NVIDIA H200", 143771 * 2**20, "570.1"),
        Gpu("NVIDIA GB10", None, "570.1"),
    )


def test_failing_driver_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, "echo 'Driver/library version mismatch'; exit 18", monkeypatch)
    with pytest.raises(OSError, match="version mismatch"):
        gpus()
