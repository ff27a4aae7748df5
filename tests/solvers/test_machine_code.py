"""Machine code of kernels is kept on disk where that can be, with notes of what is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from scheduling.solvers import jit, machine_code, warmup
from tests.solvers.conftest import CALLED, TEST, budget, new_process


def light_kernel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a new kernel of a file, as each process has one."""
    monkeypatch.setattr("numba.core.config.CACHE_DIR", os.environ["NUMBA_CACHE_DIR"])
    path = folder / "light.py"
    path.write_text("def more(count):\n    return count + 1\n")
    place: dict[str, Any] = {"__name__": "light", "__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), place)
    return jit.njit.entry(place["more"])


def hits(kernel: Any) -> int:
    assert kernel(1) == 2
    return sum(kernel.stats.cache_hits.values())


def test_machine_code_is_kept_for_the_same_sources_of_all_kernels(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert [hits(light_kernel(tmp_path, monkeypatch)) for _ in range(2)] == [0, 1]
    monkeypatch.setattr(machine_code, "sources", lambda: "changed")
    assert [hits(light_kernel(tmp_path, monkeypatch)) for _ in range(2)] == [0, 1]


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("content", [b"", b"no pickle"])
def test_broken_machine_code_is_compiled_anew(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ending: str, content: bytes
) -> None:
    assert hits(light_kernel(tmp_path, monkeypatch)) == 0
    [broken] = fresh.rglob(f"*.{ending}")
    broken.write_bytes(content)
    assert [hits(light_kernel(tmp_path, monkeypatch)) for _ in range(2)] == [0, 1]


def test_a_full_disk_ends_no_search_and_leaves_no_note(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jit, "UNKEPT", set())
    kernel = light_kernel(tmp_path, monkeypatch)

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._open_for_write", full)
    group = warmup.Kernels("light", lambda: hits(kernel))
    warmup.compile_now((group,))
    assert {"light.more"} == jit.UNKEPT
    new_process(monkeypatch)
    assert not warmup.at_once((group,), budget(100.0))
    assert warmup._start(group) is None


def test_kernels_are_compiled_where_nothing_can_be_kept(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jit, "UNKEPT", set())
    monkeypatch.setattr(machine_code, "_can_hold", lambda folder: False)
    assert hits(light_kernel(tmp_path, monkeypatch)) == 0
    assert warmup._start(TEST) is None
    warmup.compile_first((TEST,))
    assert CALLED == ["test"]
    assert not fresh.exists()


@pytest.mark.skipif(os.name != "posix", reason="users of POSIX may have no home")
def test_a_user_without_a_home_gets_no_folder_called_tilde(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4321)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    monkeypatch.setattr(machine_code, "_can_hold", lambda folder: folder.name != "__pycache__")
    assert machine_code.folder_beside(tmp_path) is None


def test_a_folder_at_which_one_may_not_look_is_no_error(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(fresh / ("long" * 100)))
    assert not machine_code.noted("test")
    warmup.compile_now((TEST,))
    assert CALLED == ["test"]


def test_notes_replace_those_of_older_sources_and_no_others(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, stamp in (("here", "old"), ("elsewhere", "old"), ("here", "new")):
        monkeypatch.setattr(machine_code, "_place", lambda place=place: place)
        monkeypatch.setattr(machine_code, "sources", lambda stamp=stamp: stamp)
        machine_code.note("test")
    found = sorted(path.name for path in fresh.iterdir())
    assert found == ["compiled-test-elsewhere-old", "compiled-test-here-new"]


def test_nothing_is_noted_where_numba_compiles_nothing(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert machine_code.noted("test")
    machine_code.note("test")
    assert not fresh.exists()
