"""Four workers of a Dask cluster return what one process returns, also when one is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import scheduling as sch
from scheduling.backends.carrying import carry_all, carry_out
from scheduling.errors import InputError
from scheduling.simulator.requests.sweep import run_sweep
from scheduling.solvers.placement.parts import Parts
from tests.backends.killing import Deadly, refused, squared
from tests.cli.conftest import Cli, cli
from tests.simulator.requests.test_sweep import SWEEP
from tests.solvers.placement.test_parts import cluster as cluster_of_pods

distributed = pytest.importorskip("distributed", reason="needs pip install 'scheduling[dask]'")

__all__ = ["cli"]

pytestmark = pytest.mark.filterwarnings("ignore")


@contextmanager
def cluster(workers: int, *, processes: bool) -> Iterator[str]:
    """Start one and give its name as an engine."""
    with distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=processes,
        dashboard_address=None,
        silence_logs=50,
    ) as found:
        yield f"dask:{found.scheduler_address}"


@pytest.fixture(scope="module")
def backend() -> Iterator[str]:
    with cluster(4, processes=False) as found:
        yield found


def test_four_workers_return_what_one_process_returns(backend: str) -> None:
    assert run_sweep(SWEEP, backend=backend) == run_sweep(SWEEP)


def test_parts_of_a_placement_answer_as_on_one_process(backend: str) -> None:
    problem = cluster_of_pods(12, 70)
    alone = sch.solve(problem, Parts(3, jobs=1), work_limit=0.3, workers=1)
    beside = sch.solve(problem, Parts(3, backend), work_limit=0.3, workers=1)
    assert beside.placements == alone.placements
    assert [tier.objective for tier in beside.tiers] == [tier.objective for tier in alone.tiers]
    assert sch.check(problem, beside) == []
    assert beside.solver.startswith("parts")


def test_killed_workers_lose_no_result(tmp_path: Path) -> None:
    runs = [Deadly(number, str(tmp_path), int(number == 3)) for number in range(8)]
    with cluster(2, processes=True) as backend:
        assert carry_all(squared, runs, backend=backend) == [number**2 for number in range(8)]
    assert len(list(tmp_path.iterdir())) == 1


def test_fewer_runs_at_a_time_than_workers(backend: str) -> None:
    assert carry_all(abs, range(-9, 0), jobs=2, backend=backend) == list(range(9, 0, -1))


def test_errors_come_back_whole(backend: str) -> None:
    with pytest.raises(InputError, match=r"numbers\.txt: number: found 5"):
        carry_all(refused, [5], backend=backend)


def test_whoever_takes_some_results_leaves_the_cluster_free(backend: str) -> None:
    results = carry_out(abs, [-1, -2, -3], backend=backend)
    assert next(results) in (1, 2, 3)
    results.close()  # type: ignore[attr-defined]
    assert carry_all(abs, [-4], backend=backend) == [4]


def test_schedulers_that_do_not_answer_are_named(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduling.backends.daskcluster._CONNECT_SECONDS", 0.1)
    (tmp_path / "a.txt").write_text("2 2\n0 3 1 2\n1 4 0 1\n")
    found = cli("bench", tmp_path, "--backend", "dask:tcp://127.0.0.1:1")
    assert found.code == 2
    assert "no Dask scheduler at tcp://127.0.0.1:1" in found.err
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    found = cli("bench", tmp_path, "--backend", "dask")
    assert found.code == 2
    assert "DASK_SCHEDULER_ADDRESS" in found.err
