"""Optional tasks, alternative routes and mode rules in the CP-SAT formulation.

Skipping is a mode of its own that takes no time, uses nothing and starts at 0.
"""

from __future__ import annotations

from typing import Any

from scheduling.models.schedule.arrays import Fork
from scheduling.solvers.schedule.cpsat.core import Core, Hint, Reading


def add_choices(core: Core) -> None:
    """Add what decides which tasks run, and which modes go together."""
    _add_skipping(core)
    for fork in core.arrays.forks:
        _add_fork(core, fork)
    for first, second in core.arrays.banned.tolist():
        core.model.add_bool_or([~literal for literal in core.chosen(first, second)])


def _add_skipping(core: Core) -> None:
    """Let skipped tasks start at 0 and others no earlier than their release."""
    arrays, model = core.arrays, core.model
    for task in arrays.optional.nonzero()[0].tolist():
        runs, start, release = core.runs(task), core.starts[task], int(arrays.release[task])
        if runs is False:
            model.add(start == 0)
        else:
            model.add(start == 0).only_enforce_if(~runs)
            model.add(start >= release).only_enforce_if(runs)


def _add_fork(core: Core, fork: Fork) -> None:
    """Let exactly one route run when its task does, else none."""
    model = core.model
    taken = [core.flag(_is_taken(fork, number)) for number in range(len(fork.routes))]
    model.add(sum(taken) == (True if fork.within < 0 else core.runs(fork.within)))
    for route, literal in zip(fork.routes, taken, strict=True):
        for task in route:
            model.add(literal == core.runs(task))


def _is_taken(fork: Fork, number: int) -> Hint:
    """Tell whether a route runs; an empty one stands for taking none of the others."""
    route = fork.routes[number]
    empty = [index for index, tasks in enumerate(fork.routes) if not tasks]

    def is_taken(reading: Reading) -> int:
        if route:
            return reading.runs(route[0])
        others = any(reading.runs(tasks[0]) for tasks in fork.routes if tasks)
        wanted = fork.within < 0 or reading.runs(fork.within)
        return wanted and not others and number == empty[0]

    return is_taken


def job_presence(core: Core) -> dict[int, Any]:
    """Literals of the jobs that may have no task that runs; ``False`` for those that have none."""
    arrays, model = core.arrays, core.model
    found: dict[int, Any] = {}
    for job in range(arrays.n_jobs):
        tasks = range(int(arrays.job_ptr[job]), int(arrays.job_ptr[job + 1]))
        if not all(arrays.optional[task] for task in tasks):
            continue
        runs = [value for task in tasks if (value := core.runs(task)) is not False]
        if len(runs) == 1:
            found[job] = runs[0]
        elif runs:
            found[job] = core.flag(_any_runs(tasks))
            model.add_max_equality(found[job], runs)
        else:
            found[job] = False
    return found


def _any_runs(tasks: range) -> Hint:
    return lambda reading: any(reading.runs(task) for task in tasks)
