"""Engines: the same results in the same order, whoever carries runs and whoever dies of them."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from types import ModuleType

import pytest

from scheduling.backends import local
from scheduling.backends.backend import MOST_LOSSES
from scheduling.backends.carrying import backend_of, carry_all, carry_out, check_engine
from scheduling.errors import InputError, SolverError, UnsupportedError
from tests.backends.killing import Deadly, refused, squared


def test_one_job_stays_in_this_process_in_order() -> None:
    seen: list[int] = []

    def note(number: int) -> int:
        seen.append(number)
        return -number

    assert list(carry_out(note, [3, 1, 2])) == [-3, -1, -2]
    assert seen == [3, 1, 2]
    assert list(carry_out(note, [])) == []


def test_killed_processes_lose_no_result(tmp_path: Path) -> None:
    runs = [Deadly(number, str(tmp_path), int(number == 2)) for number in range(6)]
    assert carry_all(squared, runs, jobs=2) == [number**2 for number in range(6)]
    assert len(list(tmp_path.iterdir())) == 1


def test_runs_that_always_kill_are_named_after_all_others(tmp_path: Path) -> None:
    runs = [Deadly(number, str(tmp_path), None if number == 1 else 0) for number in range(4)]
    found: list[int] = []
    with pytest.raises(SolverError, match=r"3 workers were lost .*number=1.*more memory"):
        found.extend(carry_out(squared, runs, jobs=2))
    assert sorted(found) == [0, 4, 9]
    assert len(list(tmp_path.iterdir())) == MOST_LOSSES


def test_pools_that_take_nothing_lose_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaking:
        calls = 0

        def submit(self, function: Callable[[int], int], run: int) -> Future[int]:
            self.calls += 1
            if self.calls in (2, 3):
                raise BrokenExecutor
            future: Future[int] = Future()
            future.set_result(function(run))
            return future

        def shutdown(self, *, kill_workers: bool) -> None:
            assert kill_workers

    pool = Breaking()
    monkeypatch.setattr("joblib.externals.loky.get_reusable_executor", lambda **_: pool)
    assert carry_all(abs, [0, -1, -2, -3], jobs=2) == [0, 1, 2, 3]


def test_errors_travel_with_their_faults() -> None:
    with pytest.raises(InputError, match=r"numbers\.txt: number: found [56]") as caught:
        carry_all(refused, [5, 6], jobs=2)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.faults, again.source) == (
        str(caught.value),
        caught.value.faults,
        "numbers.txt",
    )


@pytest.mark.parametrize("text", ["", "slurm", "loky:8786", "Dask"])
def test_unknown_engines_list_the_known_ones(text: str) -> None:
    with pytest.raises(InputError, match="one of loky, dask, ray"):
        backend_of(text)
    assert backend_of("dask:tcp://host:1").name == "dask"
    assert backend_of("ray").name == "ray"
    with pytest.raises(InputError, match="at least 1"):
        check_engine(0, "loky")


@pytest.mark.parametrize("name", ["dask", "ray"])
def test_engines_that_are_not_installed_say_how(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UnsupportedError, match=rf"pip install 'scheduling\[{name}\]'"):
        carry_all(squared, [], backend=name)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere"])
def test_ray_clusters_that_do_not_answer_are_named(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setitem(sys.modules, "ray", ModuleType("ray"))
    with pytest.raises(InputError, match=f"no Ray cluster at {address}"):
        carry_all(squared, [], backend=f"ray:{address}")


def test_a_pool_has_no_more_processes_than_runs() -> None:
    assert local._Pool(abs, [1, 2, 3], 900)._jobs == 3
    assert local._Pool(abs, [1, 2, 3], 2)._jobs == 2


def test_more_processes_than_a_machine_can_have_are_refused() -> None:
    with pytest.raises(InputError, match="jobs: found 1000000, expected at most 1024 on one"):
        check_engine(10**6, "loky")
    check_engine(1024, "loky")
