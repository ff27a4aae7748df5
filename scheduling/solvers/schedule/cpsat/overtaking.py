"""Who comes first on each machine among blocking jobs, in the CP-SAT formulation.

Two blocking jobs whose tasks all take time can hardly overtake: let the first leave its machine at
its moment a + 1 no later than the second enters there at its moment b. On any other machine that
the first enters at a' <= a + 1 and the second leaves at b' + 1 >= b, the second cannot be first:
its leaving would lie between times that rise along the jobs. Only a swap, a' = a + 1 and
b' = b - 1, stays possible. These implications between pairs of literals are what CP-SAT does not
find on its own: with eight threads it proves la01 in 2 CPU-seconds with them, and reaches a bound
of 774 out of 793 in 30 without; la04 and la05 take 4 and 5 (675 of 743 and 627 of 664 without).
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from scheduling.solvers.schedule.cpsat.core import Core, Hint
from scheduling.solvers.schedule.cpsat.holding import Holding

_MOST_PAIRS = 5_000
"""Up to so many pairs of tasks on machines; the implications grow with the square of a job's."""


def limit_overtaking(core: Core, holding: Holding, occupied: dict[int, list[int]]) -> None:
    """Add the literals of all pairs of tasks of such jobs, and what they imply of each other."""
    rigid = _rigid_jobs(core)
    job = core.arrays.job
    users = [
        [task for task in core.task_of_mode[modes].tolist() if job[task] in rigid]
        for modes in occupied.values()
    ]
    pairs = sum(len(tasks) * (len(tasks) - 1) // 2 for tasks in users)
    if not holding or pairs > _MOST_PAIRS:
        return
    meetings: dict[tuple[int, int], list[tuple[int, int, Any]]] = {}
    for tasks in users:
        for one, other in combinations(sorted(tasks), 2):
            if job[one] != job[other]:
                literal = _order(core, holding, one, other)
                key = int(job[one]), int(job[other])
                meetings.setdefault(key, []).append((one, other, literal))
    for rows in meetings.values():
        _imply(core, rows)


def _rigid_jobs(core: Core) -> set[int]:
    """Blocking jobs that have one mode for each task, all of which take time."""
    arrays = core.arrays
    if not arrays.single_mode or np.any(arrays.absent):
        return set()
    lasting = np.logical_and.reduceat(arrays.duration > 0, arrays.job_ptr[:-1])
    return set((arrays.blocking & lasting).nonzero()[0].tolist())


def _order(core: Core, holding: Holding, one: int, other: int) -> Any:
    """Make the literal that one task comes before another on their machine."""
    first = core.flag(_comes_first(one, other))
    mode = core.arrays.mode_ptr
    starts, model = core.starts, core.model
    model.add(starts[other] >= holding.left(int(mode[one]))).only_enforce_if(first)
    model.add(starts[one] >= holding.left(int(mode[other]))).only_enforce_if(~first)
    return first


def _imply(core: Core, rows: list[tuple[int, int, Any]]) -> None:
    """Add the implications between the machines on which two jobs meet."""
    shift = 0 if core.arrays.swap else 1
    for one, other, first in rows:
        for task, rival, before in rows:
            if first is before:
                continue
            if (task <= one + 1 and rival >= other - shift) or (task <= one and rival >= other - 1):
                core.model.add_implication(first, before)
            if (rival <= other + 1 and task >= one - shift) or (rival <= other and task >= one - 1):
                core.model.add_implication(~first, ~before)


def _comes_first(one: int, other: int) -> Hint:
    return lambda reading: reading.start[one] < reading.start[other]
