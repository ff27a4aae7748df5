"""Many policies, rates and seeds on one scenario: side by side, resumable, with confidence."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from itertools import product
from math import sqrt
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from scheduling.backends.carrying import StoppedError, carry_out, check_engine
from scheduling.errors import Fault, InputError
from scheduling.models.requests.scenario import RequestScenario
from scheduling.schemas import opened, stamped
from scheduling.simulator.requests.compare import simulate_requests
from scheduling.simulator.requests.metrics import Estimate, student_quantile
from scheduling.simulator.requests.prepared import prepare
from scheduling.simulator.requests.records import outcome_record
from scheduling.storage import append_line, whole_lines

_FIELDS = {"scenario", "policy", "rate", "seed", "run"}
_SCHEMA = "sweep-run"


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is run: every policy at every rate with every seed.

    Parameters
    ----------
    problem
        The scenario.
    policies
        Names of policies.
    rates
        Requests a second that arrivals are stretched to; ``None`` stands for those of the scenario.
    seeds
        Each draws the requests, and the choices of policies, anew. A trace's requests stay as
        they are.
    trace, folder, strict, capacity
        As of :func:`~scheduling.simulator.requests.compare.simulate_requests`.
    """

    problem: RequestScenario
    policies: tuple[str, ...]
    rates: tuple[float | None, ...] = (None,)
    seeds: tuple[int, ...] = (0,)
    trace: str | None = None
    folder: str | PathLike[str] | None = None
    strict: bool = False
    capacity: float | None = None


@dataclass(frozen=True, slots=True)
class SweepRun:
    """One run of a sweep.

    Parameters
    ----------
    policy, rate, seed
        Which.
    run
        Its figures, as :func:`~scheduling.simulator.requests.records.outcome_record` has them.
    """

    policy: str
    rate: float | None
    seed: int
    run: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Task:
    sweep: Sweep
    policy: str
    rate: float | None
    seed: int

    @property
    def key(self) -> tuple[str, float | None, int]:
        return self.policy, self.rate, self.seed


OnRun = Callable[[SweepRun, int, int], None]


def run_sweep(
    sweep: Sweep,
    results: Path | None = None,
    *,
    jobs: int | None = None,
    backend: str = "loky",
    on_run: OnRun | None = None,
) -> list[SweepRun]:
    """Carry out a sweep and return its runs in order of policies, rates and seeds.

    The same policy, rate and seed give the same run, whatever runs beside it.

    Parameters
    ----------
    sweep
        What to run.
    results
        File of results, one JSON line a run: those of this scenario that it holds are taken from
        it, new ones are appended as they end.
    jobs
        Most runs side by side. Default: one on this machine, all that a cluster has room for.
    backend
        Engine that carries them: ``loky`` (this machine), ``dask`` or ``ray``, with its address
        as ``dask:tcp://host:8786``.
    on_run
        Called after each new run with it, the number done and the number of all.

    Raises
    ------
    InputError
        For a rate, seed, number of jobs or backend out of range, a file of results that cannot be
        read, and whatever a single run refuses.
    UnsupportedError, PolicyError
        As a single run.
    StoppedError
        When the keyboard interrupts it, with the runs that had ended.
    """
    check_engine(jobs, backend)
    _check(sweep)
    scenario = _digest(sweep)
    tasks = [
        _Task(sweep, *each)
        for each in dict.fromkeys(product(sweep.policies, sweep.rates, sweep.seeds))
    ]
    known = {} if results is None else _known(results, scenario)
    missing = [task for task in tasks if task.key not in known]
    if missing and backend == "loky":
        # On a cluster only its workers need see the trace.
        _prepare(sweep)
    done = len(tasks) - len(missing)
    try:
        for found in carry_out(_run, missing, jobs, backend):
            known[found.policy, found.rate, found.seed] = found
            done += 1
            if results is not None:
                append_line(results, _line(scenario, found))
            if on_run is not None:
                on_run(found, done, len(tasks))
    except KeyboardInterrupt:
        ended = [known[task.key] for task in tasks if task.key in known]
        raise StoppedError(ended, len(tasks)) from None
    return [known[task.key] for task in tasks]


def figure(
    runs: Sequence[SweepRun], value: Callable[[dict[str, Any]], float | None]
) -> Estimate | None:
    """Return the mean of a figure over runs, with its 95 % confidence by Student's t.

    Parameters
    ----------
    runs
        Runs of one policy and rate, one a seed.
    value
        Takes the figure out of a run's record; where it is ``None``, the run does not count.

    Returns
    -------
    Estimate
        ``None`` when no run has the figure; without a half width when only one has.
    """
    values = [found for one in runs if (found := value(one.run)) is not None]
    if len(values) < 2:
        return Estimate(values[0], None) if values else None
    spread = float(np.std(values, ddof=1)) / sqrt(len(values))
    return Estimate(float(np.mean(values)), student_quantile(len(values) - 1) * spread)


def grouped(runs: Sequence[SweepRun]) -> dict[tuple[str, float | None], list[SweepRun]]:
    """Return the runs by policy and rate, in their order."""
    found: dict[tuple[str, float | None], list[SweepRun]] = {}
    for one in runs:
        found.setdefault((one.policy, one.rate), []).append(one)
    return found


def _check(sweep: Sweep) -> None:
    faults = [
        Fault("rates", str(rate), "positive numbers")
        for rate in sweep.rates
        if rate is not None and not 0 < rate < float("inf")
    ]
    faults += [Fault("seeds", str(seed), "at least 0") for seed in sweep.seeds if seed < 0]
    faults += [
        Fault(name, "none", "at least one")
        for name in ("policies", "rates", "seeds")
        if not getattr(sweep, name)
    ]
    if faults:
        raise InputError(faults)


def _prepare(sweep: Sweep) -> None:
    """Refuse what cannot run here before anything has: at the highest rate least time passes."""
    rates = [rate for rate in sweep.rates if rate is not None]
    prepare(
        sweep.problem.model_copy(update={"rate": max(rates)}) if rates else sweep.problem,
        sweep.policies,
        trace=sweep.trace,
        folder=sweep.folder,
        strict=sweep.strict,
        capacity=sweep.capacity is not None,
        seed=sweep.seeds[0],
    )


def _run(task: _Task) -> SweepRun:
    sweep = task.sweep
    problem = sweep.problem
    if task.rate is not None:
        problem = problem.model_copy(update={"rate": task.rate})
    found = simulate_requests(
        problem,
        task.policy,
        trace=sweep.trace,
        folder=sweep.folder,
        strict=sweep.strict,
        capacity=sweep.capacity,
        seed=task.seed,
    )
    return SweepRun(task.policy, task.rate, task.seed, outcome_record(found.outcomes[0]))


def _digest(sweep: Sweep) -> str:
    """Return what tells runs of this scenario and trace from those of others."""
    digest = sha256(sweep.problem.model_dump_json().encode())
    digest.update(json.dumps([sweep.strict, sweep.capacity]).encode())
    trace = sweep.trace
    path = None if trace is None else Path(trace)
    if path is None and sweep.problem.trace is not None:
        path = Path(sweep.folder or "") / sweep.problem.trace
    if path is not None:
        digest.update(str(path).encode())
    if path is not None and path.is_file():
        with path.open("rb") as file:
            digest.update(file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _line(scenario: str, found: SweepRun) -> str:
    fields = {
        "scenario": scenario,
        "policy": found.policy,
        "rate": found.rate,
        "seed": found.seed,
        "run": found.run,
    }
    return json.dumps(stamped(_SCHEMA, fields))


def _known(results: Path, scenario: str) -> dict[tuple[str, float | None, int], SweepRun]:
    """Return the runs of this scenario that a file holds."""
    known: dict[tuple[str, float | None, int], SweepRun] = {}
    if not results.exists():
        if not results.parent.is_dir():
            expected = "a file that can be written"
            raise InputError.single("file", "no such folder", expected, str(results))
        return known
    for number, text in enumerate(whole_lines(results, "results"), start=1):
        try:
            entry = opened(json.loads(text), f"{results}: line {number}")
        except ValueError:
            entry = None
        if not isinstance(entry, dict) or set(entry) != _FIELDS:
            place, found = f"line {number}", text.strip()[:60]
            raise InputError.single(place, found, "a run of a sweep", str(results))
        if entry["scenario"] == scenario:
            one = SweepRun(entry["policy"], entry["rate"], entry["seed"], entry["run"])
            known[one.policy, one.rate, one.seed] = one
    return known
