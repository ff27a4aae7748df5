"""Random job shops, flow shops and flexible job shops."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import InputError
from scheduling.instances.schedule import assemble
from scheduling.models.schedule.problem import ScheduleProblem

_MOST = 10**6

TRAINING_SIZES = (
    (6, 6),
    (8, 8),
    (10, 5),
    (10, 10),
    (15, 5),
    (15, 10),
    (15, 15),
    (20, 5),
    (20, 10),
    (20, 15),
    (30, 5),
    (30, 10),
)
"""Jobs and machines of the shops of :func:`training_shops`, small enough to be solved."""


def job_shop(
    *,
    jobs: int = 10,
    machines: int = 10,
    sets: int = 1,
    shortest: int = 1,
    longest: int = 99,
    shift: float = 1.0,
    period: int = 100,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate a job shop: each job visits every machine once, in a random order.

    Parameters
    ----------
    jobs, machines
        Size.
    sets
        The machines fall into so many sets of about the same size, and each job visits all of one
        set before the next. Two sets make the hard shops of Storer, Wu and Vaccari (1992); as many
        as machines make a flow shop.
    shortest, longest
        Durations are uniform between them, both included.
    shift, period
        Machines are open for the first share ``shift`` of each period, and work pauses in the rest
        of it; with a share of 1 they never close.
    seed
        Seed of the random numbers.
    """
    rng = _generator(seed, shortest, longest)
    check_size(jobs, machines)
    durations = rng.integers(shortest, longest, (jobs, machines), endpoint=True)
    if sets > machines:
        raise InputError.single("sets", str(sets), f"at most machines, {machines}")
    parts = np.array_split(np.arange(machines), sets)
    order = np.hstack([rng.permuted(np.tile(part, (jobs, 1)), axis=1) for part in parts])
    shop = _shop(f"job shop {jobs}x{machines} seed {seed}", machines, order, durations)
    return _with_shifts(shop, shift, period)


def training_shops(
    *,
    copies: int = 12,
    sizes: Sequence[tuple[int, int]] = TRAINING_SIZES,
    set_counts: Sequence[int] = (1, 2),
    seed: int = 0,
) -> list[ScheduleProblem]:
    """Generate job shops of several sizes and kinds, to learn a priority rule from.

    Parameters
    ----------
    copies
        Shops of each size and kind.
    sizes
        Numbers of jobs and machines.
    set_counts
        Numbers of sets of machines, see :func:`job_shop`.
    seed
        Seed of the random numbers.
    """
    cases = list(product(range(copies), sizes, set_counts))
    seeds = np.random.SeedSequence(seed).generate_state(len(cases)).tolist()
    return [
        job_shop(jobs=jobs, machines=machines, sets=sets, seed=own)
        for (_, (jobs, machines), sets), own in zip(cases, seeds, strict=True)
    ]


def flow_shop(
    *, jobs: int = 10, machines: int = 5, shortest: int = 1, longest: int = 99, seed: int = 0
) -> ScheduleProblem:
    """Generate a flow shop: each job visits the machines in the same order.

    Jobs may pass each other between machines, so the answer need not be a permutation schedule.

    Parameters
    ----------
    jobs, machines
        Size.
    shortest, longest
        Durations are uniform between them, both included.
    seed
        Seed of the random numbers.
    """
    rng = _generator(seed, shortest, longest)
    check_size(jobs, machines)
    durations = rng.integers(shortest, longest, (jobs, machines), endpoint=True)
    order = np.tile(np.arange(machines), (jobs, 1))
    return _shop(f"flow shop {jobs}x{machines} seed {seed}", machines, order, durations)


def flexible_job_shop(
    *,
    jobs: int = 10,
    machines: int = 6,
    operations: int = 5,
    flexibility: float = 2.0,
    spread: float = 0.2,
    shortest: int = 1,
    longest: int = 99,
    shift: float = 1.0,
    period: int = 100,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate a flexible job shop: each operation runs on one of several machines.

    Parameters
    ----------
    jobs, machines
        Size.
    operations
        Operations per job.
    flexibility
        Mean number of machines per operation; each number is uniform on 1 … 2 ``flexibility`` - 1,
        cut at the number of machines.
    spread
        A machine's duration deviates from its operation's by at most this share.
    shortest, longest
        Durations of operations are uniform between them, both included; those on a machine are at
        least 1 when the operation's is.
    shift, period
        As of :func:`job_shop`.
    seed
        Seed of the random numbers.
    """
    rng = _generator(seed, shortest, longest)
    check_size(jobs, operations)
    widest = max(1, round(2 * flexibility - 1))
    rows = []
    for _ in range(jobs):
        row = []
        for _ in range(operations):
            base = int(rng.integers(shortest, longest, endpoint=True))
            count = min(machines, int(rng.integers(1, widest, endpoint=True)))
            chosen = np.sort(rng.permutation(machines)[:count])
            factors = rng.uniform(1 - spread, 1 + spread, count)
            times = np.maximum(min(base, 1), np.rint(base * factors)).astype(int)
            row.append(list(zip(chosen.tolist(), times.tolist(), strict=True)))
        rows.append(row)
    name = f"flexible job shop {jobs}x{machines} seed {seed}"
    return _with_shifts(_problem(name, machines, assemble.flexible_jobs(rows)), shift, period)


def _with_shifts(problem: ScheduleProblem, shift: float, period: int) -> ScheduleProblem:
    """Close all machines behind each shift; tasks pause then."""
    hours = max(1, round(shift * period))
    if hours >= period:
        return problem
    fields = problem.model_dump()
    night = {"start": hours, "end": period}
    fields["calendars"] = [{"id": "shifts", "period": period, "periodic": [night]}]
    for resource in fields["resources"]:
        resource["calendar"] = "shifts"
    for task in (task for job in fields["jobs"] for task in job["tasks"]):
        task["interruptible"] = True
    return ScheduleProblem.model_validate(fields)


def check_size(jobs: int, operations: int) -> None:
    """Refuse shops of more than a million operations.

    Raises
    ------
    InputError
        When there would be more.
    """
    check_count("jobs", f"{jobs} x {operations} operations", jobs * operations)


def check_count(parameter: str, found: str, count: int) -> None:
    """Refuse parameters that together make more than a million of something.

    Raises
    ------
    InputError
        At ``parameter``, with the description of what there would be.
    """
    if count > _MOST:
        raise InputError.single(parameter, found, f"at most {_MOST}")


def _generator(seed: int, shortest: int, longest: int) -> np.random.Generator:
    if shortest > longest:
        raise InputError.single("shortest", str(shortest), f"at most longest, {longest}")
    return np.random.default_rng(seed)


def _shop(
    name: str, count: int, order: NDArray[np.int64], durations: NDArray[np.int64]
) -> ScheduleProblem:
    rows = zip(order.tolist(), durations.tolist(), strict=True)
    jobs = [list(zip(visits, times, strict=True)) for visits, times in rows]
    return _problem(name, count, assemble.shop_jobs(jobs))


def _problem(name: str, count: int, jobs: list[dict[str, Any]]) -> ScheduleProblem:
    fields = {"name": name, "resources": assemble.machines(count), "jobs": jobs}
    return ScheduleProblem.model_validate(fields)
