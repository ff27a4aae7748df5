"""Rates of a sweep of simulations by number of workers, of Dask and of this machine's processes.

Every engine carries the same runs; their results must be those of one process, exactly.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from figures import add_output, write_figures

from scheduling.cli.output import table
from scheduling.models.requests.scenario import RequestScenario
from scheduling.simulator.requests.sweep import Sweep, SweepRun, run_sweep


@dataclass(frozen=True)
class Rate:
    """Runs a second of one engine with some workers.

    ``times`` is that rate over the rate of one worker of the same engine.
    """

    engine: str
    workers: int
    runs: int
    seconds: float
    times: float


def sweep(seeds: int, requests: int) -> Sweep:
    """Return equal runs that differ in their seeds."""
    scenario = {
        "replica": {"cost": {"base_seconds": 0.01, "per_token_seconds": 1e-4}, "kv_tokens": 40_000},
        "workload": {
            "classes": [
                {
                    "arrivals": {"kind": "poisson", "rate": 8.0},
                    "prompt": {"kind": "lognormal", "median": 300, "sigma": 0.8},
                    "output": {"kind": "lognormal", "median": 100, "sigma": 0.8},
                }
            ]
        },
        "requests": requests,
    }
    problem = RequestScenario.model_validate(scenario)
    return Sweep(problem, ("sarathi",), seeds=tuple(range(seeds)))


@contextmanager
def dask(workers: int) -> Iterator[str]:
    """Start a Dask cluster on this machine, a process and a thread each."""
    from distributed import LocalCluster  # noqa: PLC0415  # only where it is asked for

    with LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield f"dask:{cluster.scheduler_address}"


def timed(given: Sweep, workers: int, backend: str) -> tuple[float, list[SweepRun]]:
    """Run the sweep when all workers have loaded the library, and return the seconds."""
    others = tuple(10**6 + seed for seed in range(2 * workers))
    run_sweep(Sweep(given.problem, given.policies, seeds=others), jobs=workers, backend=backend)
    began = time.perf_counter()
    runs = run_sweep(given, jobs=workers, backend=backend)
    return time.perf_counter() - began, runs


def rates(given: Sweep, engines: list[str], counts: list[int]) -> Iterator[Rate]:
    """Yield the rate of each engine with each number of workers."""
    expected = run_sweep(given)
    for engine in engines:
        first = 0.0
        for workers in counts:
            if engine == "dask":
                with dask(workers) as backend:
                    seconds, runs = timed(given, workers, backend)
            else:
                seconds, runs = timed(given, workers, engine)
            if runs != expected:
                raise SystemExit(f"{engine} with {workers} workers found other results")
            first = first or seconds
            yield Rate(engine, workers, len(runs), seconds, first / seconds)


def main() -> None:
    """Print a table, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--engines", nargs="+", default=["loky", "dask"])
    parser.add_argument("--seeds", type=int, default=24, help="runs")
    parser.add_argument("--requests", type=int, default=4000, help="of each run")
    add_output(parser)
    asked = parser.parse_args()
    found = list(rates(sweep(asked.seeds, asked.requests), asked.engines, asked.workers))
    rows = [
        [one.engine, str(one.workers), f"{one.runs / one.seconds:.2f}", f"{one.times:.2f}"]
        for one in found
    ]
    table(["engine", "workers", "runs/s", "times one worker"], rows)
    write_figures(asked.output, found)


if __name__ == "__main__":
    main()
