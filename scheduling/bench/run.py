"""Running a plan: every instance with every solver and seed, resumable, on any engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path

from scheduling.backends.carrying import StoppedError, carry_out, check_engine
from scheduling.bench.records import Record, append_record, read_records
from scheduling.bench.suites import Case, cases
from scheduling.errors import SchedulingError, UnsupportedError
from scheduling.solvers.watching import one_of_many

OnRecord = Callable[[Record, int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run.

    Parameters
    ----------
    suites, solvers, seeds
        Every combination is one run.
    time_limit
        Seconds of each run.
    workers
        Threads of each run; ``None``: all processors.
    """

    suites: tuple[str, ...]
    solvers: tuple[str, ...] = ("auto",)
    seeds: tuple[int, ...] = (0,)
    time_limit: float = 10.0
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    case: Case
    solver: str
    seed: int
    time_limit: float
    workers: int | None

    def blank(self) -> Record:
        return Record(
            instance=self.case.name,
            solver=self.solver,
            seed=self.seed,
            time_limit=self.time_limit,
            workers=self.workers,
            version=version("scheduling"),
            lower=self.case.lower,
            upper=self.case.upper,
        )


def run_plan(
    plan: Plan,
    results: Path | None = None,
    *,
    jobs: int | None = None,
    backend: str = "loky",
    on_record: OnRecord | None = None,
) -> list[Record]:
    """Run a plan and return its records in the order of the plan.

    Parameters
    ----------
    plan
        What to run.
    results
        Result file: runs that it already holds are taken from it, new ones are appended.
    jobs
        Most runs side by side, each of ``plan.workers`` threads. Default: one on this machine, all
        that a cluster has room for.
    backend
        Engine that carries them: ``loky`` (this machine), ``dask`` or ``ray``, with its address
        as ``dask:tcp://host:8786``.
    on_record
        Called after each new run with its record, the number done and the number of all.

    Raises
    ------
    InputError
        For an unknown suite or backend, limits that make no sense, or a result file that cannot be
        read.
    UnsupportedError
        For a solver that problems of no kind have; nothing is run then.
    StoppedError
        When the keyboard interrupts it, with the records of the runs that had ended.
    """
    from scheduling.solvers.driver import check_limits

    check_engine(jobs, backend)
    check_limits(plan.time_limit, None, plan.workers, min(plan.seeds, default=0))
    _check_solvers(plan.solvers)
    everything = _runs(plan)
    known = {}
    if results is not None and results.exists():
        known = {record.key: record for record in read_records(results)}
    missing = [run for run in everything if run.blank().key not in known]
    done = len(everything) - len(missing)
    try:
        with one_of_many():
            for record in carry_out(run_one, missing, jobs, backend):
                known[record.key] = record
                done += 1
                if results is not None:
                    append_record(results, record)
                if on_record is not None:
                    on_record(record, done, len(everything))
    except KeyboardInterrupt:
        keys = [run.blank().key for run in everything]
        ended = [known[key] for key in keys if key in known]
        raise StoppedError(ended, len(everything)) from None
    return [known[run.blank().key] for run in everything]


def _check_solvers(names: tuple[str, ...]) -> None:
    from scheduling.solvers.registry import families

    known = {name for family in families() for name in family.solvers}
    for name in names:
        if name.partition(":")[0] not in known:
            raise UnsupportedError.unknown("solver", name, sorted(known))


def _runs(plan: Plan) -> list[_Run]:
    instances = [case for suite in plan.suites for case in cases(suite)]
    return [
        _Run(case, solver, seed, plan.time_limit, plan.workers)
        for case, solver, seed in product(instances, plan.solvers, plan.seeds)
    ]


def run_one(run: _Run) -> Record:
    """Carry out one run; what goes wrong becomes part of the record."""
    from scheduling.instances.files import read
    from scheduling.solvers.driver import solve
    from scheduling.solvers.warmup import kernels_first

    record = run.blank()
    try:
        problem = read(run.case.path, run.case.format)
        with kernels_first():
            answer = solve(
                problem, run.solver, time_limit=run.time_limit, workers=run.workers, seed=run.seed
            )
    except SchedulingError as error:
        return record.model_copy(update={"error": str(error)})
    found = {
        "status": str(answer.status),
        "objective": answer.objective,
        "bound": answer.bound,
        "gap": answer.gap,
        "seconds": answer.seconds,
        "found_by": answer.solver,
    }
    return record.model_copy(update=found)
