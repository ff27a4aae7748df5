"""Random shops with more rules: setups, no-wait, blocking, one order; projects with reservoirs."""

from __future__ import annotations

from typing import Any

import numpy as np

from scheduling.instances.schedule.random_projects import project
from scheduling.instances.schedule.random_shops import check_count, flow_shop, job_shop
from scheduling.models.schedule.problem import ScheduleProblem

_LARGEST = 10


def setup_job_shop(
    *,
    jobs: int = 10,
    machines: int = 10,
    families: int = 5,
    shortest: int = 1,
    longest: int = 99,
    longest_setup: int = 30,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate a job shop with setup times between families of operations.

    Parameters
    ----------
    jobs, machines
        Size.
    families
        Number of families on each machine; an operation belongs to one at random.
    shortest, longest
        Durations are uniform between them, both included.
    longest_setup
        Setups between different families are uniform on 0 … this, then shortened where a way over
        a third family is shorter; the first task of a machine needs none.
    seed
        Seed of the random numbers.
    """
    found = f"{machines} x {families} x {families} setups"
    check_count("families", found, machines * families * families)
    fields = _fields(
        job_shop(jobs=jobs, machines=machines, shortest=shortest, longest=longest, seed=seed)
    )
    rng = np.random.default_rng([seed, 1])
    for machine in fields["resources"]:
        times = rng.integers(0, longest_setup, (families, families), endpoint=True)
        np.fill_diagonal(times, 0)
        for middle in range(families):
            times = np.minimum(times, times[:, [middle]] + times[[middle], :])
        machine["setups"] = [
            {"before": f"F{i + 1}", "after": f"F{j + 1}", "time": int(times[i, j])}
            for i, j in np.argwhere(times > 0).tolist()
        ]
    for job in fields["jobs"]:
        for task in job["tasks"]:
            family = int(rng.integers(families)) + 1
            task["modes"][0]["state"] = f"F{family}"
    return _named(f"setup {fields['name']}", fields)


def no_wait_job_shop(
    *, jobs: int = 10, machines: int = 10, shortest: int = 1, longest: int = 99, seed: int = 0
) -> ScheduleProblem:
    """Generate a job shop in which each operation starts when the one before ends.

    Parameters
    ----------
    jobs, machines
        Size.
    shortest, longest
        Durations are uniform between them, both included.
    seed
        Seed of the random numbers.
    """
    shop = job_shop(jobs=jobs, machines=machines, shortest=shortest, longest=longest, seed=seed)
    return _with_rule(shop, "no-wait", "no_wait")


def blocking_job_shop(
    *, jobs: int = 10, machines: int = 10, shortest: int = 1, longest: int = 99, seed: int = 0
) -> ScheduleProblem:
    """Generate a job shop without buffers, in which jobs block machines and may swap.

    Parameters
    ----------
    jobs, machines
        Size.
    shortest, longest
        Durations are uniform between them, both included.
    seed
        Seed of the random numbers.
    """
    shop = job_shop(jobs=jobs, machines=machines, shortest=shortest, longest=longest, seed=seed)
    return _with_rule(shop, "blocking", "blocking")


def permutation_flow_shop(
    *, jobs: int = 10, machines: int = 5, shortest: int = 1, longest: int = 99, seed: int = 0
) -> ScheduleProblem:
    """Generate a flow shop with the same order of jobs on all machines.

    Parameters
    ----------
    jobs, machines
        Size.
    shortest, longest
        Durations are uniform between them, both included.
    seed
        Seed of the random numbers.
    """
    fields = _fields(
        flow_shop(jobs=jobs, machines=machines, shortest=shortest, longest=longest, seed=seed)
    )
    fields["same_order"] = [[machine["id"] for machine in fields["resources"]]]
    return _named(f"permutation {fields['name']}", fields)


def reservoir_project(
    *,
    tasks: int = 30,
    resources: int = 4,
    reservoirs: int = 3,
    complexity: float = 1.5,
    factor: float = 0.5,
    strength: float = 0.5,
    stock: float = 0.2,
    longest: int = 10,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate a project whose tasks take from and put into reservoirs.

    Running the tasks one after the other by number is always possible. Amounts are uniform on
    0 … 10, as are those of Koné, Artigues, Lopez, Mongeau (2013).

    Parameters
    ----------
    tasks, resources, reservoirs
        Size; ``resources`` counts the renewable ones.
    complexity
        Precedences per task.
    factor, strength
        Resource factor and strength of the renewable resources, 0 to 1.
    stock
        First levels: from what the tasks need one after the other to what all take together.
    longest
        Durations are uniform on 1 … ``longest``.
    seed
        Seed of the random numbers.
    """
    fields = _fields(
        project(
            tasks=tasks,
            resources=resources,
            complexity=complexity,
            factor=factor,
            strength=strength,
            longest=longest,
            seed=seed,
        )
    )
    rng = np.random.default_rng([seed, 1])
    taken, given = rng.integers(0, _LARGEST, (2, tasks, reservoirs), endpoint=True)
    changes = np.zeros((2 * tasks, reservoirs), np.int64)
    changes[0::2], changes[1::2] = -taken, given
    least = np.maximum(0, -np.cumsum(changes, axis=0).min(axis=0))
    most = taken.sum(axis=0)
    levels = np.rint(least + stock * (most - least)).astype(int).tolist()
    fields["resources"] += [
        {"type": "reservoir", "id": f"S{number}", "initial": level}
        for number, level in enumerate(levels, start=1)
    ]
    for row, task in enumerate(fields["jobs"][0]["tasks"]):
        mode = task["modes"][0]
        mode["demands"] = {**mode["demands"], **_amounts(taken[row].tolist())}
        mode["supplies"] = _amounts(given[row].tolist())
    return _named(f"reservoir {fields['name']}", fields)


def _amounts(values: list[int]) -> dict[str, int]:
    return {f"S{number}": value for number, value in enumerate(values, start=1) if value}


def _fields(problem: ScheduleProblem) -> dict[str, Any]:
    return problem.model_dump(mode="json")


def _with_rule(shop: ScheduleProblem, word: str, rule: str) -> ScheduleProblem:
    fields = _fields(shop)
    for job in fields["jobs"]:
        job[rule] = True
    return _named(f"{word} {fields['name']}", fields)


def _named(name: str, fields: dict[str, Any]) -> ScheduleProblem:
    return ScheduleProblem.model_validate({**fields, "name": name})
